/*
 * text: bytes under construction (struct text) and finished bytes that are shared (struct blob).
 *
 * A text has a maximum from the start and remembers its first error, so that a writer can append
 * without looking and ask once, at the end. The error is -EFBIG past the maximum, or -ENOMEM. A
 * blob is immutable and reference-counted. Its count is no atomic: one thread at a time may use it.
 */
#ifndef BIGDATAFS_SANDBOX_TEXT_H
#define BIGDATAFS_SANDBOX_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

struct text {
    char *data; /* NUL-terminated unless it is NULL */
    size_t len;
    size_t cap;
    size_t max;
    int err; /* 0 or the first error; later appends do nothing */
};

void text_init(struct text *t, size_t max);
void text_free(struct text *t);

void text_put(struct text *t, const char *bytes, size_t len);
void text_str(struct text *t, const char *s);
void text_number(struct text *t, int64_t n);

/* Appends s as a quoted JSON string. Bytes that are no UTF-8 become U+FFFD, NULL becomes null. */
void text_json(struct text *t, const char *s);

/* Appends microseconds since 1970 as a quoted JSON date-time. A negative value becomes null. */
void text_time(struct text *t, int64_t us);

/* The length in bytes of the valid UTF-8 character at s, where len > 0 bytes are, or 0 when there
 * is none. */
size_t text_utf8(const char *s, size_t len);

struct blob {
    unsigned refs;
    size_t len;
    char *data;
};

/* Moves the bytes of t, which is empty afterwards, into a blob with one reference. */
int blob_take(struct text *t, struct blob **out) MUST_CHECK;

/* Makes a new blob of the bytes of b in gzip format. */
int blob_gzip(const struct blob *b, struct blob **out) MUST_CHECK;

struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b); /* NULL is fine */

#endif
