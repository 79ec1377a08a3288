/*
 * departing: names of the root or .archived on their way out. notify_removed removes such a name
 * through the mount itself: its own requests, and nobody else's, still find it until it is removed.
 */
#ifndef BIGDATAFS_INODE_DEPARTING_H
#define BIGDATAFS_INODE_DEPARTING_H

#include "bigdatafs/base/compiler.h"

struct node;
struct nodes;

/* As nodes_lookup, for the program's own requests: finds departing names alone, and .archived on
 * the way to those in it. -ENOENT. */
int nodes_lookup_departing(struct nodes *n, struct node *dir, const char *name,
                           struct node **out) MUST_CHECK;
/* The program's own rmdir of the name: it has departed. -ENOENT. */
int nodes_remove_departing(struct nodes *n, struct node *dir, const char *name) MUST_CHECK;

#endif
