#include "bigdatafs/control.h"

#include <errno.h>
#include <string.h>

static const char *const words[] = {"1", "true", "yes", "delete"};

static bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

int control_force_delete(const char *text, size_t len, const char *id, bool confirm_id)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (is(text, len, id))
        return 0;
    for (size_t i = 0; !confirm_id && i < sizeof words / sizeof words[0]; i++)
        if (is(text, len, words[i]))
            return 0;
    return -EINVAL;
}
