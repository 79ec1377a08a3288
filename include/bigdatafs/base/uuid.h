/*
 * uuid: the ids of connectors, as text: "019a9612-bfad-758c-884e-37dd8c6ad2cb". Pure functions.
 */
#ifndef BIGDATAFS_BASE_UUID_H
#define BIGDATAFS_BASE_UUID_H

#include <stdbool.h>

enum {
    UUID_LEN = 36,
    UUID_SIZE = UUID_LEN + 1, /* with the NUL */
};

typedef char uuid_text[UUID_SIZE];

/* Whether text is a UUID in its form of 8-4-4-4-12 hexadecimal digits, of either case. */
bool uuid_is_valid(const char *text);

#endif
