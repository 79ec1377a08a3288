#include "bigdatafs/deletion/kinds.h"

const char *deletion_kinds_word(enum deletion_kinds kinds)
{
    static const char *const words[] = {
        [DELETE_ALL] = "all", [DELETE_ARCHIVES] = "archive", [DELETE_NONE] = "none"};
    return words[kinds];
}

bool deletion_kinds_allow(enum deletion_kinds kinds, enum request_op op)
{
    return kinds == DELETE_ALL || (kinds == DELETE_ARCHIVES && op == REQUEST_ARCHIVE);
}
