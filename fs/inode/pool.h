/*
 * pool: the memory of nodes, in slabs: there may be millions, so a node has no header and no
 * links, and all that are in use can still be found. What is put back is used again, the longest
 * unused first and not before POOL_QUARANTINE others: a notification that still names it should
 * find no other node there. It goes back to the system with the pool. For fs/node*.c alone.
 */
#ifndef BIGDATAFS_INODE_POOL_H
#define BIGDATAFS_INODE_POOL_H

#include <stddef.h>

#include "bigdatafs/inode/node.h"

enum {
    POOL_SLAB = 682, /* nodes of one slab: 32 KiB */
    POOL_QUARANTINE = 2 * POOL_SLAB,
};

struct pool_slab;

/* All zero is an empty pool. */
struct pool {
    struct pool_slab *slabs;
    struct node *unused, *last_unused;
    size_t unused_count;
};

/* A node, all zero but for its kind, or NULL. */
struct node *pool_get(struct pool *p, enum node_kind kind);
void pool_put(struct pool *p, struct node *node);
/* Frees the pool; end is called before with each node in use. */
void pool_free(struct pool *p, void (*end)(void *arg, struct node *node), void *arg);

#endif
