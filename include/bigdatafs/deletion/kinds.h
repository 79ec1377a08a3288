/* kinds: which deletions a mount sends at all: -o delete=. Pure functions. */
#ifndef BIGDATAFS_DELETION_KINDS_H
#define BIGDATAFS_DELETION_KINDS_H

#include <stdbool.h>

#include "bigdatafs/base/request.h"

enum deletion_kinds { DELETE_ALL, DELETE_ARCHIVES, DELETE_NONE };

/* "all", "archive", "none": the words of -o delete=. */
const char *deletion_kinds_word(enum deletion_kinds kinds);
bool deletion_kinds_allow(enum deletion_kinds kinds, enum request_op op);

#endif
