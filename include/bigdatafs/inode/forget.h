/*
 * forget: the end of a node. A node is freed, with its share of what it shows, when all its lookups
 * have been taken back; the fixed ones (the root, .archived, .bigdatafs, refresh) never are.
 */
#ifndef BIGDATAFS_INODE_FORGET_H
#define BIGDATAFS_INODE_FORGET_H

#include <stdint.h>

struct node;
struct nodes;

void nodes_forget(struct nodes *n, struct node *node, uint64_t lookups);

#endif
