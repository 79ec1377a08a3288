/*
 * lookup: names to nodes, and nodes that the kernel forgets. A name that the list tells of waits
 * for a list that is fresh enough; an id that no list had is asked for by itself, once.
 */
#ifndef BIGDATAFS_FUSE_LOOKUP_H
#define BIGDATAFS_FUSE_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "context.h"

/* What the kernel is told of a node that it looked up. */
void entry_of(const struct context *c, struct node *node, struct fuse_entry_param *e);

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);

#endif
