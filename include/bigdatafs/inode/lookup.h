/*
 * lookup: from a name to its node, made when the kernel does not know it yet. From memory alone:
 * whether the list is fresh enough is its caller's question. One thread.
 */
#ifndef BIGDATAFS_INODE_LOOKUP_H
#define BIGDATAFS_INODE_LOOKUP_H

#include "bigdatafs/base/compiler.h"

struct node;
struct nodes;

/* The child of dir with this name: *out has one lookup more, for nodes_forget to take back.
 * -ENOENT, -ENOTDIR, -ENOMEM. */
int nodes_lookup(struct nodes *n, struct node *dir, const char *name, struct node **out) MUST_CHECK;

#endif
