/* id: the kernel's number for a node (fuse_ino_t), and back. See "Identifiers" in node.h. */
#ifndef BIGDATAFS_INODE_ID_H
#define BIGDATAFS_INODE_ID_H

#include <stdint.h>

struct node;
struct nodes;

struct node *nodes_from_id(struct nodes *n, uint64_t id);
uint64_t nodes_id(const struct nodes *n, const struct node *node);

#endif
