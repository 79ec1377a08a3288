/*
 * hide: names inside a connector that were unlinked in this mount: the service knows nothing of it.
 * They come back with the next list, or by nodes_unhide.
 */
#ifndef BIGDATAFS_INODE_HIDE_H
#define BIGDATAFS_INODE_HIDE_H

#include <stdbool.h>

#include "bigdatafs/base/compiler.h"

struct connector;
struct node;
struct nodes;

/* is_dir: what the caller expects. A directory goes with what is in it: a list that arrives during
 * rm -r brings names back, and must not make it fail. -ENOENT, -ENOTDIR, -EISDIR, -ENOMEM. */
int nodes_hide(struct nodes *n, struct node *dir, const char *name, bool is_dir) MUST_CHECK;
/* Brings back what was hidden in the connector. */
void nodes_unhide(struct nodes *n, struct connector *connector);

#endif
