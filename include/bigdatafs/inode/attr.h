/* attr: what stat(2) and read(2) are told of a node, and how long the kernel may keep it. */
#ifndef BIGDATAFS_INODE_ATTR_H
#define BIGDATAFS_INODE_ATTR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bigdatafs/base/compiler.h"

enum { NODE_LONG_S = 86400 }; /* kernel time-out of what is invalidated when it changes */

struct node;
struct nodes;

void nodes_attr(struct nodes *n, const struct node *node, struct stat *st);
/* st_ino of "..". -ENOMEM. */
int nodes_parent_ino(const struct nodes *n, const struct node *dir, uint64_t *out) MUST_CHECK;

/* How long the kernel may keep the attributes, and the name, in seconds. */
double nodes_attr_timeout(const struct nodes *n, const struct node *node);
double nodes_entry_timeout(const struct nodes *n, const struct node *node);

/* A file's bytes, borrowed until any other function of this folder is called; the control files of
 * .bigdatafs are empty. -ENOMEM. */
int nodes_content(const struct node *node, const char **data, size_t *size) MUST_CHECK;

#endif
