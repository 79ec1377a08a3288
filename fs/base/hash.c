#include "bigdatafs/base/hash.h"

static uint64_t load_le(const unsigned char *p, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

/* MurmurHash64A (Austin Appleby, public domain), with the byte order defined as little-endian.
 * Inode numbers and directory offsets depend on every bit of the result: the function must never
 * change. */
uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
    const uint64_t mul = 0xc6a4a7935bd1e995;
    const unsigned char *p = bytes;
    size_t whole = len - len % 8;
    uint64_t hash = seed ^ (len * mul);
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = load_le(p + i, 8) * mul;
        hash = (hash ^ ((word ^ (word >> 47)) * mul)) * mul;
    }
    if (len > whole)
        hash = (hash ^ load_le(p + whole, len - whole)) * mul;
    hash = (hash ^ (hash >> 47)) * mul;
    return hash ^ (hash >> 47);
}
