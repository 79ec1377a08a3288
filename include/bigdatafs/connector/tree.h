/*
 * tree: the small files and directories that a snapshot is shown as (THE TREE in bigdatafs(1)).
 * A tree is immutable, one allocation, and borrows nothing from its snapshot. One thread.
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
    uint64_t
        cookie; /* of the name: unique in its directory, > 2, < 2^63, the same in every version */
    const char *name; /* NUL-terminated, safe (name.h) */
    const char *data; /* a file's bytes; NULL for a directory */
    uint32_t size;    /* of data */
    uint32_t parent;
    uint32_t first;
    uint32_t count;
    uint16_t name_len;
    uint8_t kind;
    bool synced; /* its time is last_sync_at, not updated_at */
};

struct tree {
    uint32_t count;
    uint32_t size; /* of the allocation */
    struct entry entries[];
};

/* Makes the tree, one allocation, to be freed with free(). It holds connector.json and a file or
 * directory for each member, and borrows nothing from c. -EFBIG, -ENOMEM. */
int tree_new(const struct snapshot *c, struct tree **out) MUST_CHECK;

/* The child of directory dir with this name, or -ENOENT. O(log n). */
int tree_find(const struct tree *t, uint32_t dir, const char *name, size_t len) MUST_CHECK;

/* The cookie of a name: what its entry has unless two names of one directory collide. */
uint64_t tree_cookie(const char *name, size_t len);

#endif
