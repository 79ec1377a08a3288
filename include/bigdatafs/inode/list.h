/*
 * list: the children of a directory, in an order that stays: a listing that goes on after a cookie
 * neither repeats nor loses a child that is there throughout, whatever comes and goes meanwhile.
 */
#ifndef BIGDATAFS_INODE_LIST_H
#define BIGDATAFS_INODE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"

enum { NODE_FIRST_COOKIE = 16 }; /* of the first connector in a listing of the root */

struct node;
struct nodes;

struct node_child {
    const char *name;
    uint64_t cookie; /* of this child: where to go on after it; above those of "." and "..": 1, 2 */
    uint64_t ino;
    bool is_dir;
    struct node *node; /* with_nodes; NULL where the node is made by a lookup alone */
};
/* False: there is no room for this child. */
typedef bool node_child_fn(void *arg, const struct node_child *child);

/* Calls child for those of dir after the cookie, 0 for all, until there are no more or it returns
 * false. With with_nodes each was looked up, and counted, as by nodes_lookup before the call; the
 * one that had no room has its lookup taken back. -ENOTDIR; -ENOMEM, after which the children that
 * were handed over stand. */
int nodes_list(struct nodes *n, struct node *dir, uint64_t after, bool with_nodes,
               node_child_fn *child, void *arg) MUST_CHECK;

#endif
