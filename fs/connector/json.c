#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE_LEN = 6 }; /* bytes of \uXXXX */

/* The code unit of the \uXXXX at p, or -1 when there is none. The NUL that ends the text is no hex
 * digit, so nothing past it is read. */
static int unit_at(const char *p)
{
    if (p[0] != '\\' || p[1] != 'u')
        return -1;
    int unit = 0;
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

static bool is_high_surrogate(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Whether there may be an escape that cJSON cannot take. A needless yes costs only a copy. */
static bool may_need_rewrite(const char *text, size_t len)
{
    /* memchr is much faster, and nearly all texts end here. */
    return memchr(text, '\\', len) != NULL && memmem(text, len, "\\u", 2) != NULL;
}

struct rewriter {
    const char *from; /* the text that is still to be copied, up to a NUL */
    char *to;         /* where its copy goes */
    bool nul;         /* an escaped NUL was met */
    bool bad;         /* a \u without four hex digits was met */
};

static void put(struct rewriter *r, const char *bytes, size_t len)
{
    memcpy(r->to, bytes, len);
    r->to += len;
}

static void copy(struct rewriter *r, size_t len)
{
    put(r, r->from, len);
    r->from += len;
}

/* Copies the escape that the text begins with. */
static void copy_escape(struct rewriter *r)
{
    int unit = unit_at(r->from);
    if (unit == 0) {
        put(r, "\xc0\x80", 2);
        r->from += ESCAPE_LEN;
        r->nul = true;
    } else if (is_high_surrogate(unit) && is_low_surrogate(unit_at(r->from + ESCAPE_LEN))) {
        copy(r, 2 * ESCAPE_LEN);
    } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
        put(r, "\\ufffd", ESCAPE_LEN);
        r->from += ESCAPE_LEN;
    } else {
        /* The backslash and what it escapes: a second backslash does not begin another escape. */
        r->bad = r->bad || (unit < 0 && r->from[1] == 'u');
        copy(r, r->from[1] == '\0' ? 1 : 2);
    }
}

static void rewrite(struct rewriter *r)
{
    while (*r->from != '\0') {
        copy(r, (size_t)(strchrnul(r->from, '\\') - r->from));
        if (*r->from == '\\')
            copy_escape(r);
    }
    *r->to = '\0';
}

static int parse_object(const char *text, size_t len, cJSON **out)
{
    const char *rest = text;
    errno = 0; /* cJSON answers NULL for want of memory as for bad text */
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, &rest, false);
    if (json == NULL)
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
    if (memchr(text, '\0', len) != NULL)
        return -EBADMSG;
    if (!may_need_rewrite(text, len))
        return parse_object(text, len, out);
    char *rewritten = malloc(len + 1); /* no escape becomes longer */
    if (rewritten == NULL)
        return -ENOMEM;
    struct rewriter r = {.from = text, .to = rewritten};
    rewrite(&r);
    *nul = r.nul;
    int err = r.bad ? -EBADMSG : parse_object(rewritten, (size_t)(r.to - rewritten), out);
    free(rewritten);
    return err;
}
