/*
 * pool: the memory of nodes. There may be millions, so they stand in slabs, without a header or
 * links of their own, and all that are in use can still be found. Memory goes back to the system
 * with the pool.
 *
 * A node that is put back is used again only after POOL_QUARANTINE others, the longest unused
 * first: a notification on its way to the kernel that still names the old node finds no other one
 * at its address. Without memory for a new slab the quarantine is given up rather than the request
 * refused.
 */
#ifndef BIGDATAFS_INODE_POOL_H
#define BIGDATAFS_INODE_POOL_H

#include <stddef.h>
#include <sys/queue.h>

#include "node.h"

enum {
    POOL_SLAB = 682, /* nodes of one slab: 32 KiB */
    POOL_QUARANTINE = 2 * POOL_SLAB,
};

struct pool_slab;

struct pool {
    SLIST_HEAD(, pool_slab) slabs;
    STAILQ_HEAD(, node) unused; /* the longest unused first */
    size_t unused_count;
};

void pool_init(struct pool *p);
/* A node, all zero but for its kind. NULL: no memory. */
struct node *pool_get(struct pool *p, enum node_kind kind);
void pool_put(struct pool *p, struct node *node);
/* Frees the pool; end is called before with each node in use. */
void pool_free(struct pool *p, void (*end)(void *arg, struct node *node), void *arg);

#endif
