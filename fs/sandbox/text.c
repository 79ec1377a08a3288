#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { TEXT_FIRST_CAP = 512, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

void text_init(struct text *t, size_t max)
{
    *t = (struct text){.max = max};
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){.max = t->max};
}

static int reserve(struct text *t, size_t more)
{
    if (more > t->max - t->len)
        return -EFBIG;
    size_t need = t->len + more + 1;
    if (need <= t->cap)
        return 0;
    size_t cap = t->cap > 0 ? t->cap : TEXT_FIRST_CAP;
    while (cap < need)
        cap *= 2;
    char *data = realloc(t->data, cap);
    if (data == NULL)
        return -ENOMEM;
    t->data = data;
    t->cap = cap;
    return 0;
}

void text_put(struct text *t, const char *bytes, size_t len)
{
    if (t->err == 0)
        t->err = reserve(t, len);
    if (t->err < 0)
        return;
    memcpy(t->data + t->len, bytes, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_str(struct text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

void text_number(struct text *t, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n);
    text_put(t, digits, (size_t)len);
}

size_t text_utf8(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t need = u[0] < 0x80   ? 1
                  : u[0] < 0xc2 ? 0
                  : u[0] < 0xe0 ? 2
                  : u[0] < 0xf0 ? 3
                  : u[0] < 0xf5 ? 4
                                : 0;
    if (need == 0 || need > len)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    /* No over-long form, no surrogate, nothing past U+10FFFF is valid. */
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
        (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    return need;
}

static void escape(struct text *t, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letter[] = "\"\\bfnrt";
    const char *at = c != '\0' ? strchr(plain, c) : NULL;
    if (at != NULL) {
        text_put(t, (const char[]){'\\', letter[at - plain]}, 2);
        return;
    }
    char hex[8];
    int len = snprintf(hex, sizeof hex, "\\u%04x", c);
    text_put(t, hex, (size_t)len);
}

void text_json(struct text *t, const char *s)
{
    if (s == NULL) {
        text_str(t, "null");
        return;
    }
    text_put(t, "\"", 1);
    const char *end = s + strlen(s);
    const char *run = s;
    while (s < end) {
        unsigned char c = (unsigned char)*s;
        size_t step = text_utf8(s, (size_t)(end - s));
        if (step > 0 && c >= 0x20 && c != '"' && c != '\\') {
            s += step;
            continue;
        }
        text_put(t, run, (size_t)(s - run));
        if (step == 0)
            text_str(t, "\xef\xbf\xbd");
        else
            escape(t, c);
        run = ++s;
    }
    text_put(t, run, (size_t)(s - run));
    text_put(t, "\"", 1);
}

void text_time(struct text *t, int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    if (us < 0 || gmtime_r(&seconds, &tm) == NULL) {
        text_str(t, "null");
        return;
    }
    char date[64];
    size_t len = strftime(date, sizeof date, "\"%Y-%m-%dT%H:%M:%S", &tm);
    text_put(t, date, len);
    int tail = snprintf(date, sizeof date, ".%06dZ\"", (int)(us % 1000000));
    text_put(t, date, (size_t)tail);
}

int blob_take(struct text *t, struct blob **out)
{
    if (t->err < 0)
        return t->err;
    struct blob *b = malloc(sizeof *b);
    if (b == NULL)
        return -ENOMEM;
    *b = (struct blob){.refs = 1, .len = t->len, .data = t->data};
    *t = (struct text){.max = t->max};
    *out = b;
    return 0;
}

int blob_gzip(const struct blob *b, struct blob **out)
{
    z_stream z = {0};
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return -ENOMEM;
    struct text t = {.max = deflateBound(&z, b->len)};
    int err = b->len > UINT32_MAX ? -EFBIG : reserve(&t, t.max);
    if (err == 0) {
        z.next_in = (z_const Bytef *)b->data;
        z.avail_in = (uInt)b->len;
        z.next_out = (Bytef *)t.data;
        z.avail_out = (uInt)t.max;
        err = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -EIO;
        t.len = z.total_out;
    }
    deflateEnd(&z);
    if (err == 0)
        err = blob_take(&t, out);
    text_free(&t);
    return err;
}

struct blob *blob_ref(struct blob *b)
{
    b->refs++;
    return b;
}

void blob_unref(struct blob *b)
{
    if (b == NULL || --b->refs > 0)
        return;
    free(b->data);
    free(b);
}
