/*
 * nodes: all inodes that the kernel knows, and what ties the parts of this folder together. What
 * is done with them is in a header for each purpose: lookup, list, attr, ...; what one is, in
 * node.h. One thread.
 */
#ifndef BIGDATAFS_INODE_NODES_H
#define BIGDATAFS_INODE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/inode/node.h"
#include "bigdatafs/inode/reports.h"

struct catalogue;
struct journal;
struct log;
struct loop;
struct nodes;
struct notify;

/* What nodes are made from; all borrowed. */
struct nodes_parts {
    struct loop *loop;
    struct log *log;
    struct catalogue *catalogue;
    struct notify *notify;
    struct journal *journal;
};

int nodes_new(const struct nodes_parts *parts, const struct node_options *options,
              struct nodes **out) MUST_CHECK;
/* Until this call .bigdatafs has control files alone. */
void nodes_set_reports(struct nodes *n, const struct node_reports *reports);
void nodes_free(struct nodes *n); /* NULL is fine */

/* Whether the kernel can expire names by notification: then it keeps connectors' names for long,
 * else until the list is due. */
void nodes_can_expire(struct nodes *n, bool can);

/* Memory in which files are held ready to be read, and how often a connector's files were made
 * ready, again too. */
size_t nodes_tree_bytes(const struct nodes *n);
uint64_t nodes_trees_made(const struct nodes *n);

#endif
