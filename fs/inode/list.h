/* Listings that are out of date. */
#ifndef BIGDATAFS_INODE_RELIST_H
#define BIGDATAFS_INODE_RELIST_H

#include "bigdatafs/inode/list.h"

/* The kernel's cached listing and attributes of a directory are out of date. */
void node_relist(struct nodes *n, const struct node *dir);

#endif
