/* What the tree needs of .bigdatafs: finding its files, and ending their nodes. */
#ifndef BIGDATAFS_INODE_ABOUT_FILES_H
#define BIGDATAFS_INODE_ABOUT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/inode/about_dir.h"

enum {
    REFRESH_INO = 4,
    FIRST_BULK_INO = 5,
    FIRST_REPORT_INO = 16,
    BULK_FILES = REQUEST_FORCE_DELETE + 1,
};

/* What a NODE_REPORT shows. */
struct report {
    size_t len;
    char *text;
};

/* The node of a file of .bigdatafs; lookups is not counted. -ENOENT, -ENOMEM. */
int lookup_about(struct nodes *n, const char *name, struct node **out) MUST_CHECK;

#endif
