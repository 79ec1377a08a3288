/*
 * hash: a 64-bit hash of bytes, the same on every machine and for ever, since inode numbers are
 * made of it. Whoever can choose the bytes can make two of them collide. A pure function.
 */
#ifndef BIGDATAFS_BASE_HASH_H
#define BIGDATAFS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed);

#endif
