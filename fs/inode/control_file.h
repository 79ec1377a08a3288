/* What the tree needs of .force_delete. */
#ifndef BIGDATAFS_INODE_FORCE_DELETE_H
#define BIGDATAFS_INODE_FORCE_DELETE_H

#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/control_file.h"

#define NODE_CONTROL_NAME ".force_delete"

/* What a .force_delete reads as. */
const char *node_progress_text(enum progress progress);
/* Its st_ino. */
uint64_t control_file_ino(const struct node *dir);
/* Makes the node if the kernel does not know it yet; lookups is not counted. -ENOENT, -ENOMEM. */
int node_of_control(struct nodes *n, struct node *dir, struct node **out) MUST_CHECK;
/* Notifies and forgets the polls of a connector; NULL: of all. */
void node_wake_polls(struct nodes *n, const struct connector *connector);
/* catalogue_observer: progress. */
void node_on_progress(void *arg, struct connector *connector);

#endif
