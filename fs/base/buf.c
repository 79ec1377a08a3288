#include "bigdatafs/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 }; /* bytes */

void buf_init(struct buf *b, size_t max)
{
    /* One byte is kept for the NUL. */
    *b = (struct buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1};
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

/* Makes room for that many more bytes and the NUL. */
static int reserve(struct buf *b, size_t more)
{
    if (more > b->max - b->len)
        return -EFBIG;
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return 0;
    size_t limit = b->max + 1;
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;
    while (cap < need && cap <= limit / 2)
        cap *= 2;
    if (cap < need || cap > limit)
        cap = limit;
    char *data = realloc(b->data, cap);
    if (data == NULL)
        return -ENOMEM;
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return 0;
}

int buf_append(struct buf *b, const void *bytes, size_t len)
{
    int err = reserve(b, len);
    if (err < 0)
        return err;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_puts(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        return -EINVAL;
    int err = reserve(b, (size_t)len);
    if (err < 0)
        return err;
    va_start(args, fmt);
    vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
    va_end(args);
    b->len += (size_t)len;
    return 0;
}

char *buf_steal(struct buf *b, size_t *len)
{
    char *data = b->data;
    if (len != NULL)
        *len = b->len;
    buf_init(b, b->max);
    return data;
}
