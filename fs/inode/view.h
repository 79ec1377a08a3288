/*
 * view: a snapshot of a connector as nodes show it: its tree, and which entries of the tree the
 * kernel knows. Shared by the nodes that show it, counted plainly; one thread.
 *
 * The kernel keeps what it was told and seldom asks again, and a tree is most of what a connector
 * takes once someone has looked inside. So the views that were used last have their trees, and any
 * other's is made again, the same to the byte, from the snapshot's text when it is needed.
 *
 *   state   what is true                                          ended by              next
 *   bare    no tree                                               view_open             held
 *                                                                 view_pin              pinned
 *   held    a tree, counted in trees->bytes, in trees->by_use;    too many bytes are    bare
 *           the two that were used last are held whatever         held by others
 *           their size                                            view_pin              pinned
 *   pinned  a tree, counted in trees->bytes, in no list           the last view_unpin   held
 *
 * A view ends in view_unref from any state but pinned.
 */
#ifndef BIGDATAFS_INODE_VIEW_H
#define BIGDATAFS_INODE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/connector/snapshot.h"

enum { VIEW_TREES_BYTES = 8 << 20 }; /* of all trees together: some 4,000 connectors' */

struct node;
struct view;

struct trees {
    size_t bytes_max;                    /* that the held trees are trimmed to */
    size_t bytes;                        /* of held and pinned ones */
    uint64_t made;                       /* so far, again too */
    TAILQ_HEAD(view_order, view) by_use; /* the last used first */
};

enum view_mark {
    VIEW_HIDDEN = 1, /* unlinked in this mount */
    VIEW_SENT = 2,   /* the kernel was given the bytes */
};

struct view {
    unsigned refs;
    unsigned pins;
    unsigned reads; /* of its files, so far */
    uint32_t count; /* of entries */
    struct snapshot *snapshot;
    struct trees *trees;
    struct tree *tree; /* NULL when bare */
    TAILQ_ENTRY(view) order;
    uint8_t *marks; /* by entry: of enum view_mark; in this allocation */
    bool in_order;  /* in trees->by_use */
    bool any_hidden;
    bool all_sent;        /* each file that the kernel knows is marked VIEW_SENT */
    struct node *nodes[]; /* by entry: the attached node, or NULL */
};

void trees_init(struct trees *t, size_t bytes_max);

/* *out is held and has one reference, the caller's. trees must outlive it. -EFBIG, -ENOMEM. */
int view_new(struct trees *trees, struct snapshot *c, struct view **out) MUST_CHECK;
struct view *view_ref(struct view *v);
void view_unref(struct view *v); /* NULL is fine */

/* Sees to it that v has its tree. Who uses no more than two views at once need not pin them.
 * -ENOMEM. */
int view_open(struct view *v) MUST_CHECK;
/* The same until view_unpin. Calls nest. */
int view_pin(struct view *v) MUST_CHECK;
void view_unpin(struct view *v);

/* The mtime and ctime of an entry; synced: of struct entry. */
struct timespec view_time(const struct view *v, bool synced);
/* st_ino of a connector's directory. */
uint64_t view_connector_ino(const char *id);

/* The functions that follow ask for views that have their trees. */

/* Whether a file is the same in both, to the byte and in its times. */
bool view_same_file(const struct view *a, uint32_t in_a, const struct view *b, uint32_t in_b);

/* The entry of new at the path that entry has in old, of the same kind, or -ENOENT. */
int view_find_path(const struct view *old, uint32_t entry, const struct view *new) MUST_CHECK;

/* st_ino of an entry, from the connector's id, the path and, for a file, its content. */
uint64_t view_ino(const struct view *v, uint32_t entry);

#endif
