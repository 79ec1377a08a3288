#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE_LEN = 6 }; /* of \uXXXX */

/* The code unit of the \uXXXX at p, or -1. */
static int unit_at(const char *p, const char *end)
{
    int unit = 0;

    if (end - p < ESCAPE_LEN || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < ESCAPE_LEN; i++) {
        int digit;
        if (p[i] >= '0' && p[i] <= '9')
            digit = p[i] - '0';
        else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')
            digit = (p[i] | 0x20) - 'a' + 10;
        else
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Whether there may be an escape that cJSON cannot take; a needless yes costs a copy. */
static bool may_need_rewrite(const char *text, size_t len)
{
    return memchr(text, '\\', len) && memmem(text, len, "\\u", 2) &&
           (memmem(text, len, "\\u0000", 6) || memmem(text, len, "\\ud", 3) ||
            memmem(text, len, "\\uD", 3));
}

/* Copies text to out, which has room for as many bytes, and returns the copy's length. */
static size_t rewrite(const char *text, size_t len, char *out, bool *nul)
{
    const char *end = text + len;
    const char *p = text;
    char *q = out;

    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((escape ? escape : end) - p);
        memcpy(q, p, run);
        p += run;
        q += run;
        if (!escape)
            break;

        int unit = unit_at(p, end);
        bool high = unit >= 0xd800 && unit <= 0xdbff;
        int next = high ? unit_at(p + ESCAPE_LEN, end) : -1;
        size_t take = end - p < 2 ? 1 : 2; /* any other escape; its tail is ordinary bytes */
        if (unit == 0) {
            memcpy(q, "\xc0\x80", 2);
            q += 2;
            p += ESCAPE_LEN;
            *nul = true;
            continue;
        }
        if (next >= 0xdc00 && next <= 0xdfff) {
            take = 2 * ESCAPE_LEN;
            memcpy(q, p, take);
        } else if (high || (unit >= 0xdc00 && unit <= 0xdfff)) {
            take = ESCAPE_LEN;
            memcpy(q, "\\ufffd", ESCAPE_LEN);
        } else {
            memcpy(q, p, take);
        }
        p += take;
        q += take;
    }
    return (size_t)(q - out);
}

static int parse_object(const char *text, size_t len, cJSON **out)
{
    const char *rest = text;

    errno = 0; /* cJSON answers NULL for want of memory as for bad text */
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, &rest, false);
    if (!json)
        return errno == ENOMEM ? -ENOMEM : -EBADMSG;
    rest += strspn(rest, " \t\r\n");
    if (rest != text + len || !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return -EBADMSG;
    }
    *out = json;
    return 0;
}

int json_parse(const char *text, size_t len, bool *nul, cJSON **out)
{
    *nul = false;
    if (!may_need_rewrite(text, len))
        return parse_object(text, len, out);

    char *copy = malloc(len + 1);
    if (!copy)
        return -ENOMEM;
    size_t copy_len = rewrite(text, len, copy, nul);
    copy[copy_len] = '\0';
    int rc = parse_object(copy, copy_len, out);
    free(copy);
    return rc;
}
