/*
 * tree: the small files and directories that a snapshot is shown as (THE TREE in bigdatafs(1)).
 * A tree is immutable and one allocation; it borrows nothing from its snapshot. One thread uses it.
 */
#ifndef BIGDATAFS_CONNECTOR_TREE_H
#define BIGDATAFS_CONNECTOR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/connector/snapshot.h"

enum {
    TREE_DEPTH_MAX = 8,         /* directories below the connector's own */
    TREE_ENTRIES_MAX = 1 << 16, /* files and directories of one connector */
};

enum entry_kind { ENTRY_DIR, ENTRY_FILE };

/* One file or directory of a connector. Entry 0 is the connector's directory itself. The children
 * of a directory are entries [first, first + count), sorted by cookie. */
struct entry {
    /* Of the name: unique in its directory, above 2 and below 2^63, and the same in every snapshot
     * unless two names of the directory collide. */
    uint64_t cookie;
    const char *name; /* NUL-terminated, safe (name.h) */
    const char *data; /* a file's bytes; NULL for a directory */
    uint32_t size;    /* of data */
    uint32_t parent;  /* index of its directory */
    uint32_t first;   /* index of a directory's first child */
    uint32_t count;   /* of a directory's children */
    uint16_t name_len;
    uint8_t kind; /* enum entry_kind, in a byte */
    bool synced;  /* its time is last_sync_at, not updated_at */
};

struct tree {
    uint32_t count; /* of entries */
    uint32_t size;  /* bytes of the allocation */
    struct entry entries[];
};

/* Makes the tree, which the caller frees with free(). It holds connector.json and a file or
 * directory for each member. -EFBIG: a maximum of entries or bytes is passed; -ENOMEM. */
int tree_new(const struct snapshot *s, struct tree **out) MUST_CHECK;

/* The index of directory dir's child with this name, or -ENOENT. O(log n). */
int tree_find(const struct tree *t, uint32_t dir, const char *name, size_t len) MUST_CHECK;

/* The cookie that the entry of a name has unless two names of its directory collide. */
uint64_t tree_cookie(const char *name, size_t len);

#endif
