/* identifier: random bits, and UUIDs as lower-case text of 36 characters. */
#ifndef BIGDATAFS_SANDBOX_IDENTIFIER_H
#define BIGDATAFS_SANDBOX_IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

enum { UUID_SIZE = 37 }; /* with the NUL */

/* Fills bytes from the kernel's random source; -EIO when it has none. */
int uuid_entropy(void *bytes, size_t len) MUST_CHECK;

/* Copies text in lower case to out if it is a UUID in its 8-4-4-4-12 form, else returns false. */
bool uuid_parse(const char *text, char out[static UUID_SIZE]) MUST_CHECK;

/* A version 7 UUID of a time and of 74 of the given random bits. */
void uuid_v7(uint64_t unix_ms, const uint64_t bits[static 2], char out[static UUID_SIZE]);

/* A version 4 UUID of 122 of the given random bits. */
void uuid_v4(const uint64_t bits[static 2], char out[static UUID_SIZE]);

#endif
