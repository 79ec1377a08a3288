#include "bigdatafs/connector/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bigdatafs/base/hash.h"

enum {
    ESCAPE_LEN = 3,           /* %XX */
    HASH_SUFFIX_LEN = 3 + 16, /* "%~h" and the digits */
};

static const char hex_digits[] = "0123456789ABCDEF";
static const char empty_name[] = "%~e";

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

/* Whether a character of valid UTF-8 that begins with this byte may stand in a name as it is. */
static bool is_safe(unsigned char byte, bool leading)
{
    if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '%')
        return false;
    return !(leading && byte == '.');
}

/* Writes to text what stands in a name for the first character of s, or for its first byte when
 * that is no safe character, and returns the length of the text. *taken is the bytes of s used. */
static size_t escape_first(const unsigned char *s, size_t len, bool leading, char text[static 4],
                           size_t *taken)
{
    size_t character = utf8_len(s, len);
    if (character > 0 && is_safe(s[0], leading)) {
        memcpy(text, s, character);
        *taken = character;
        return character;
    }
    text[0] = '%';
    text[1] = hex_digits[s[0] >> 4];
    text[2] = hex_digits[s[0] & 15];
    *taken = 1;
    return ESCAPE_LEN;
}

size_t name_escape(const char *source, size_t len, char out[static NAME_SIZE])
{
    if (len == 0) {
        memcpy(out, empty_name, sizeof empty_name);
        return sizeof empty_name - 1;
    }
    size_t used = 0;
    size_t taken;
    for (size_t i = 0; i < len; i += taken) {
        char text[4];
        size_t text_len =
            escape_first((const unsigned char *)source + i, len - i, i == 0, text, &taken);
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

/* The value of a hex digit as name_escape writes it, or -1. */
static int hex_value(char c)
{
    const char *at = c != '\0' ? strchr(hex_digits, c) : NULL;
    return at != NULL ? (int)(at - hex_digits) : -1;
}

int name_unescape(const char *name, char *out, size_t out_size, size_t *len)
{
    if (out_size == 0)
        return -EFBIG;
    size_t used = 0;
    const char *from = strcmp(name, empty_name) == 0 ? "" : name;
    while (*from != '\0') {
        int byte = (unsigned char)*from;
        size_t step = 1;
        if (byte == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);
            if (low < 0)
                return -EINVAL;
            byte = high * 16 + low;
            step = ESCAPE_LEN;
        }
        if (used + 1 >= out_size)
            return -EFBIG;
        out[used++] = (char)byte;
        from += step;
    }
    out[used] = '\0';
    /* A name that name_escape never makes, it does not make of this source either. */
    char again[NAME_SIZE];
    name_escape(out, used, again);
    if (strcmp(again, name) != 0)
        return -EINVAL;
    *len = used;
    return 0;
}

size_t name_number(char name[static NAME_SIZE], unsigned n)
{
    char number[16];
    size_t number_len = (size_t)snprintf(number, sizeof number, "%%~%u", n);
    size_t len = strlen(name);
    if (len + number_len > NAME_MAX_BYTES) {
        /* Names that differ must still differ once they are cut: a hash stays or is put in. */
        char hash[HASH_SUFFIX_LEN + 1];
        size_t stem = len - HASH_SUFFIX_LEN;
        if (memcmp(name + stem, "%~h", 3) == 0)
            memcpy(hash, name + stem, sizeof hash);
        else
            put_hash(hash, hash_bytes(name, len, 0));
        len = cut_before(name, stem, NAME_MAX_BYTES - HASH_SUFFIX_LEN - number_len);
        memcpy(name + len, hash, HASH_SUFFIX_LEN);
        len += HASH_SUFFIX_LEN;
    }
    memcpy(name + len, number, number_len + 1);
    return len + number_len;
}
