/*
 * text: bytes under construction (struct text) and finished bytes that are shared (struct blob).
 *
 * A text is born with its maximum and remembers its first error, so that a writer appends without
 * looking and asks once, at the end: -EFBIG past the maximum, -ENOMEM. A blob is immutable and
 * reference-counted; the counts are plain, so one thread at a time uses it.
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

/* s as a quoted JSON string; bytes that are no UTF-8 become U+FFFD. NULL becomes null. */
void text_json(struct text *t, const char *s);

/* Microseconds since 1970 as a quoted JSON date-time; a negative value becomes null. */
void text_time(struct text *t, int64_t us);

/* The bytes of one valid UTF-8 character at s (len > 0 bytes are there), or 0 when there is none.
 */
size_t text_utf8(const char *s, size_t len);

struct blob {
    unsigned refs;
    size_t len;
    char *data;
};

/* Moves the bytes of t, which is empty afterwards, into a blob with one reference. */
int blob_take(struct text *t, struct blob **out) MUST_CHECK;

/* A new blob: the bytes of b in gzip format. */
int blob_gzip(const struct blob *b, struct blob **out) MUST_CHECK;

struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b); /* NULL is fine */

#endif
