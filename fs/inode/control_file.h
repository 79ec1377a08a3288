/* What the tree needs of .force_delete. */
#ifndef BIGDATAFS_INODE_FORCE_DELETE_H
#define BIGDATAFS_INODE_FORCE_DELETE_H

#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/control_file.h"

#define NODE_CONTROL_NAME ".force_delete"

/* What a .force_delete reads as, one line. */
const char *control_file_text(enum progress progress);
/* Its st_ino. */
uint64_t control_file_ino(const struct node *dir);
/* The attached node, made if the kernel does not know it yet. No lookup is counted. -ENOENT: it is
 * hidden; -ENOMEM. */
int control_file_node(struct nodes *n, struct node *dir, struct node **out) MUST_CHECK;
/* Wakes those who poll the .force_delete of the connector, once; NULL: all. */
void control_file_wake_polls(struct nodes *n, const struct connector *connector);
/* progress of struct catalogue_observer; arg is the struct nodes. */
void control_file_on_progress(void *arg, struct connector *connector);

#endif
