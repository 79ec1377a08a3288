/*
 * name: any bytes from the service as one safe file name, by one reversible rule.
 *
 * A byte that a name must not hold becomes %XX (two upper-case hex digits): '/', NUL, control
 * bytes (0x01-0x1f, 0x7f), '%' itself, a leading '.', and every byte that is not part of valid
 * UTF-8. Every '%' of the source is escaped, so these suffixes are ours alone:
 *   ""                           becomes "%~e"
 *   longer than 255 bytes        is cut before a whole character or escape, then "%~h" and 16 hex
 *                                digits of the hash of the source's bytes
 *   the Nth of equal names       gets "%~N" (N = 2, 3, ...), by name_number
 * All functions are pure.
 */
#ifndef BIGDATAFS_CONNECTOR_NAME_H
#define BIGDATAFS_CONNECTOR_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"

enum {
    NAME_MAX_BYTES = 255,
    NAME_SIZE = NAME_MAX_BYTES + 1, /* with the NUL */
};

/* Writes the file name for len bytes of source to out and returns its length (1 to 255). */
size_t name_escape(const char *source, size_t len, char out[static NAME_SIZE]);

/* The inverse, up to out_size - 1 bytes, NUL-terminated; *len is without the NUL. -EINVAL for
 * what name_escape never makes, and for names with a %~h or %~N suffix, whose source is not in
 * the name. -EFBIG when out is too small. */
int name_unescape(const char *name, char *out, size_t out_size, size_t *len) MUST_CHECK;

/* Puts the suffix for the n-th (n >= 2) of several equal names onto an escaped name, cutting it
 * so that it stays within 255 bytes. Returns the new length. */
size_t name_number(char name[static NAME_SIZE], unsigned n);

#endif
