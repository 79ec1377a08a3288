/*
 * buf: a growable byte buffer that is born with its maximum.
 *
 * The owner of a struct buf owns its bytes. data is NUL-terminated whenever it is not NULL; the
 * NUL does not count in len. Errors: -EFBIG past the maximum, -ENOMEM; on an error the content is
 * as it was before the call.
 */
#ifndef BIGDATAFS_BASE_BUF_H
#define BIGDATAFS_BASE_BUF_H

#include <stddef.h>

#include "bigdatafs/base/compiler.h"

struct buf {
    char *data;
    size_t len;
    size_t cap; /* bytes, with the NUL */
    size_t max; /* bytes, without the NUL */
};

void buf_init(struct buf *b, size_t max);

/* Frees the bytes; the buffer is empty afterwards and may be used again. */
void buf_free(struct buf *b);

/* Forgets the content and keeps the memory. */
void buf_reset(struct buf *b);

int buf_append(struct buf *b, const void *bytes, size_t len) MUST_CHECK;
int buf_puts(struct buf *b, const char *text) MUST_CHECK;
int buf_printf(struct buf *b, const char *fmt, ...) MUST_CHECK PRINTF_LIKE(2, 3);

/* Hands the bytes (NUL-terminated, to be freed with free) to the caller and leaves the buffer
 * empty; NULL when nothing was ever appended. len may be NULL. */
char *buf_steal(struct buf *b, size_t *len);

#endif
