#include "bigdatafs/connector/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bigdatafs/base/hash.h"

enum { HASH_SUFFIX_LEN = 3 + 16 }; /* "%~h" and the digits */

static const char HEX[] = "0123456789ABCDEF";

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The length of the valid UTF-8 character at s, or 0. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
    /* The second byte's range rules out overlong forms, surrogates and what is past U+10FFFF. */
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t n;

    if (s[0] < 0x80) {
        return 1;
    } else if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        n = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        n = 3;
        if (s[0] == 0xe0)
            low = 0xa0;
        else if (s[0] == 0xed)
            high = 0x9f;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        n = 4;
        if (s[0] == 0xf0)
            low = 0x90;
        else if (s[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (len < n || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (!is_continuation(s[i]))
            return 0;
    return n;
}

/* The last place at or before limit where an escaped name may be cut. */
static size_t cut_before(const char *name, size_t len, size_t limit)
{
    if (limit >= len)
        return len;

    size_t at = limit;
    while (at > 0 && is_continuation((unsigned char)name[at]))
        at--;
    if (at >= 1 && name[at - 1] == '%')
        return at - 1;
    if (at >= 2 && name[at - 2] == '%')
        return at - 2;
    return at;
}

static void put_hash(char out[static HASH_SUFFIX_LEN + 1], uint64_t hash)
{
    snprintf(out, HASH_SUFFIX_LEN + 1, "%%~h%016llx", (unsigned long long)hash);
}

/* Whether the source's byte may stand in a name as it is, when its UTF-8 is valid. */
static bool is_safe(unsigned char byte, bool leading)
{
    if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '%')
        return false;
    return !(leading && byte == '.');
}

size_t name_escape(const char *source, size_t len, char out[static NAME_SIZE])
{
    const unsigned char *s = (const unsigned char *)source;
    size_t used = 0;
    size_t unit;

    if (len == 0) {
        memcpy(out, "%~e", 4);
        return 3;
    }
    for (size_t i = 0; i < len; i += unit) {
        char text[4];
        size_t text_len;

        unit = utf8_len(s + i, len - i);
        if (unit > 0 && is_safe(s[i], i == 0)) {
            text_len = unit;
            memcpy(text, s + i, unit);
        } else {
            unit = 1;
            text_len = 3;
            text[0] = '%';
            text[1] = HEX[s[i] >> 4];
            text[2] = HEX[s[i] & 15];
        }
        if (used + text_len > NAME_MAX_BYTES) {
            used = cut_before(out, used, NAME_MAX_BYTES - HASH_SUFFIX_LEN);
            put_hash(out + used, hash_bytes(source, len, 0));
            return used + HASH_SUFFIX_LEN;
        }
        memcpy(out + used, text, text_len);
        used += text_len;
    }
    out[used] = '\0';
    return used;
}

static int hex_value(char c)
{
    const char *at = c ? strchr(HEX, c) : NULL;
    return at ? (int)(at - HEX) : -1;
}

int name_unescape(const char *name, char *out, size_t out_size, size_t *len)
{
    char again[NAME_SIZE];
    size_t used = 0;

    if (out_size == 0)
        return -EFBIG;
    const char *from = strcmp(name, "%~e") == 0 ? "" : name;
    while (*from) {
        int byte = (unsigned char)*from;
        size_t step = 1;

        if (byte == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);
            if (low < 0)
                return -EINVAL;
            byte = high * 16 + low;
            step = 3;
        }
        if (used + 1 >= out_size)
            return -EFBIG;
        out[used++] = (char)byte;
        from += step;
    }
    out[used] = '\0';

    /* What name_escape never makes, it does not make of this either. */
    name_escape(out, used, again);
    if (strcmp(again, name) != 0)
        return -EINVAL;
    *len = used;
    return 0;
}

size_t name_number(char name[static NAME_SIZE], unsigned n)
{
    char number[16];
    char hash[HASH_SUFFIX_LEN + 1] = "";
    size_t len = strlen(name);
    size_t number_len = (size_t)snprintf(number, sizeof(number), "%%~%u", n);

    if (len + number_len > NAME_MAX_BYTES) {
        /* Names that differ must still differ once they are cut: a hash stays or is put in. */
        size_t stem = len - HASH_SUFFIX_LEN;
        if (memcmp(name + stem, "%~h", 3) == 0)
            memcpy(hash, name + stem, sizeof(hash));
        else
            put_hash(hash, hash_bytes(name, len, 0));
        len = cut_before(name, stem, NAME_MAX_BYTES - HASH_SUFFIX_LEN - number_len);
        memcpy(name + len, hash, HASH_SUFFIX_LEN);
        len += HASH_SUFFIX_LEN;
    }
    memcpy(name + len, number, number_len + 1);
    return len + number_len;
}
