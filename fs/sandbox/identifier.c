#include "identifier.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

int uuid_entropy(void *bytes, size_t len)
{
    char *at = bytes;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -EIO;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

bool uuid_parse(const char *text, char out[static UUID_SIZE])
{
    for (size_t i = 0; i < UUID_SIZE - 1; i++) {
        unsigned char c = (unsigned char)text[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !isxdigit(c))
            return false;
        out[i] = (char)tolower(c);
    }
    out[UUID_SIZE - 1] = '\0';
    return text[UUID_SIZE - 1] == '\0';
}

static void print_uuid(uint64_t high, uint64_t low, char out[static UUID_SIZE])
{
    (void)snprintf(
        out, UUID_SIZE, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
        high >> 32, (high >> 16) & 0xffff, high & 0xffff, low >> 48, low & 0xffffffffffff);
}

void uuid_v7(uint64_t unix_ms, const uint64_t bits[static 2], char out[static UUID_SIZE])
{
    uint64_t high = (unix_ms << 16) | 0x7000 | (bits[0] & 0xfff);
    print_uuid(high, (bits[1] >> 2) | 1ULL << 63, out);
}

void uuid_v4(const uint64_t bits[static 2], char out[static UUID_SIZE])
{
    uint64_t high = (bits[0] & ~0xf000ULL) | 0x4000;
    print_uuid(high, (bits[1] >> 2) | 1ULL << 63, out);
}
