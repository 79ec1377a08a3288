/*
 * connector: one JSON object of the service as an immutable, reference-counted version of a
 * connector, and the tree of small files it is shown as (THE TREE in bigdatafs(1)).
 *
 * A version keeps the text as served and the few members that the program itself needs. Its tree
 * is made on demand, so that 100,000 connectors that nobody looks into cost their text and little
 * more. One thread uses a version and its tree; the counts are plain.
 */
#ifndef BIGDATAFS_CONNECTOR_SNAPSHOT_H
#define BIGDATAFS_CONNECTOR_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/connector/name.h"

enum {
    CONNECTOR_TEXT_MAX = 1 << 20,    /* bytes of one JSON object */
    CONNECTOR_DEPTH_MAX = 8,         /* directories below the connector's own */
    CONNECTOR_ENTRIES_MAX = 1 << 16, /* files and directories of one connector */
};

/* Small: there is one for each connector, and little beside its text. */
struct connector {
    unsigned refs;
    uint32_t text_len;
    int64_t updated_s, synced_s; /* of connector_updated_at and connector_synced_at */
    uint32_t updated_ns, synced_ns;
    uint16_t subdirs; /* members that are shown as directories of the connector's own */
    bool archived;
    char id[UUID_LEN + 1];
    char text[]; /* the JSON as served, NUL-terminated */
};

/* updated_at; created_at when it is absent or not a date; zero when that is so, too. */
struct timespec connector_updated_at(const struct connector *c);
/* last_sync_at; connector_updated_at when it is absent, null or not a date. */
struct timespec connector_synced_at(const struct connector *c);

/* Parses len bytes of JSON. On success *out has one reference, the caller's. -EBADMSG: no JSON
 * object; -EINVAL: connector_id is absent or no UUID; -EFBIG: a maximum is passed; -ENOMEM. */
int connector_parse(const char *json, size_t len, struct connector **out) MUST_CHECK;

struct connector *connector_ref(struct connector *c);
void connector_unref(struct connector *c); /* NULL is fine */

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
int connector_tree(const struct connector *c, struct tree **out) MUST_CHECK;

/* The child of directory dir with this name, or -ENOENT. O(log n). */
int tree_find(const struct tree *t, uint32_t dir, const char *name, size_t len) MUST_CHECK;

/* The cookie of a name: what its entry has unless two names of one directory collide. */
uint64_t tree_cookie(const char *name, size_t len);

#endif
