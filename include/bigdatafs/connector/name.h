/*
 * name: any bytes from the service as one safe file name, by one reversible rule.
 *
 * A byte that a name must not hold becomes %XX (two upper-case hex digits): '/', NUL, control
 * bytes (0x01-0x1f, 0x7f), '%' itself, a leading '.', and every byte that is not part of valid
 * UTF-8. Every '%' of the source is escaped, so that no source can bring a suffix of its own:
 *   an empty source              becomes "%~e"
 *   a name over 255 bytes        is cut between whole characters and escapes, and gets "%~h" and 16
 *                                hex digits of the hash of the source's bytes
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

/* Writes the source of a file name to out, with a NUL; *len is its length without the NUL. -EINVAL:
 * name_escape never makes such a name, or it has a suffix %~h or %~N and so does not hold its whole
 * source; -EFBIG: out is too small. */
int name_unescape(const char *name, char *out, size_t out_size, size_t *len) MUST_CHECK;

/* Puts the suffix for the n-th (n >= 2) of several equal names onto an escaped name, cutting it
 * so that it stays within 255 bytes. Returns the new length. */
size_t name_number(char name[static NAME_SIZE], unsigned n);

#endif
