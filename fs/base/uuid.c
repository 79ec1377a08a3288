#include "bigdatafs/base/uuid.h"

#include <stddef.h>

bool uuid_is_valid(const char *text)
{
    for (size_t i = 0; i < UUID_LEN; i++) {
        char c = text[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return text[UUID_LEN] == '\0';
}
