/*
 * version: a version of a connector as nodes show it: the connector, its tree, and which entries
 * of the tree the kernel knows. Shared by the nodes that show it, counted plainly; one thread.
 */
#ifndef BIGDATAFS_VERSION_H
#define BIGDATAFS_VERSION_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "bigdatafs/compiler.h"
#include "bigdatafs/connector.h"

struct node;

enum version_mark {
    VERSION_HIDDEN = 1, /* unlinked in this mount */
    VERSION_SENT = 2,   /* the kernel was given the bytes */
};

struct version {
    unsigned refs;
    struct connector *connector;
    struct tree *tree;
    struct node **nodes; /* by entry: the attached node, or NULL */
    uint8_t *marks;      /* by entry: of enum version_mark */
    unsigned reads;      /* of its files, so far */
    bool any_hidden;
    bool all_sent; /* each file that the kernel knows is marked VERSION_SENT */
};

/* *out has one reference, the caller's. */
int version_new(struct connector *c, struct version **out) MUST_CHECK;
struct version *version_ref(struct version *v);
void version_unref(struct version *v); /* NULL is fine */

/* The mtime and ctime of an entry. */
struct timespec version_time(const struct version *v, uint32_t entry);

/* Whether a file is the same in both, to the byte and in its times. */
bool version_same_file(const struct version *a, uint32_t in_a, const struct version *b,
                       uint32_t in_b);

/* The entry of new at the path that entry has in old, of the same kind, or -ENOENT. */
int version_find_path(const struct version *old, uint32_t entry,
                      const struct version *new) MUST_CHECK;

/* st_ino of an entry, from the id, the path and, for a file, its content. */
uint64_t version_ino(const struct version *v, uint32_t entry);
uint64_t version_connector_ino(const char *id);

#endif
