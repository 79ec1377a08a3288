/* What a node lets go of at its end. */
#ifndef BIGDATAFS_INODE_NODE_END_H
#define BIGDATAFS_INODE_NODE_END_H

#include "bigdatafs/inode/forget.h"

/* Lets go of what the node has; arg is the struct nodes. */
void node_end(void *arg, struct node *node);

#endif
