/* How a name departs. */
#ifndef BIGDATAFS_INODE_DEPARTING_NAMES_H
#define BIGDATAFS_INODE_DEPARTING_NAMES_H

#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/departing.h"

/* The connector's name in the place that it left is to be removed; node is what it meant, detached,
 * or NULL. Without memory the kernel is told that the name is gone, and no more. */
void departing_add(struct nodes *n, const struct connector *connector, enum place was,
                   struct node *node);
/* The node is about to be freed. */
void departing_forget(struct nodes *n, const struct node *node);
/* The end of all nodes: no name departs any more. */
void departing_free_all(struct nodes *n);

#endif
