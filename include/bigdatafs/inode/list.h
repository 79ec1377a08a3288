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

struct node_listing {
    uint64_t after;  /* the cookie behind which it begins; 0: with the first child */
    bool with_nodes; /* each child is looked up, and counted, as by nodes_lookup */
    node_child_fn *child;
    void *arg;
};

/* Calls child for the children of dir until there are no more or it returns false; the one that had
 * no room has its lookup taken back. -ENOTDIR; -ENOMEM, after which the children that were handed
 * over stand. */
int nodes_list(struct nodes *n, struct node *dir, const struct node_listing *listing) MUST_CHECK;

#endif
