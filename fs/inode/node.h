/* The steps of a node's life that need nothing but the node and what it shows. */
#ifndef BIGDATAFS_INODE_NODE_STEPS_H
#define BIGDATAFS_INODE_NODE_STEPS_H

#include <stdint.h>

#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/node.h"

struct view;

/* What a node shows of an entry of its view, which is open. */
void node_show(struct node *node, struct view *v, uint32_t entry);
/* Takes the node from its name. */
void node_detach(struct node *node);
/* Which connectors a directory lists: the root or .archived. */
enum place node_dir_place(const struct node *dir);

#endif
