/*
 * hash: a 64-bit hash of bytes. It is the same on every machine and for ever, since inode numbers
 * are made of it. It is no protection: who can choose the bytes can find two texts with one hash.
 * A pure function.
 */
#ifndef BIGDATAFS_BASE_HASH_H
#define BIGDATAFS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed);

#endif
