/*
 * life: the nodes that exist, and how one comes to be. How one ends: forget.h. struct nodes is for
 * the sources of this folder alone; each of its parts says whose it is.
 */
#ifndef BIGDATAFS_INODE_LIFE_H
#define BIGDATAFS_INODE_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/inode/reports.h"
#include "bigdatafs/kernel/notify.h"
#include "node.h"
#include "pool.h"
#include "view.h"

#define NODE_ARCHIVED_NAME ".archived"

enum {
    NODE_POLLS_MAX = 256,
    ARCHIVED_INO = 2,
    ABOUT_INO = 3,
    REFRESH_INO = 4, /* about_dir.c goes on from here */
};

/* Who waits with poll(2) on a .force_delete. */
struct poll_wait {
    struct fuse_pollhandle *handle; /* owned; NULL: this one is not in use */
    struct connector *connector;    /* pinned */
};

struct nodes {
    /* Borrowed */
    struct loop *loop;
    struct log *log;
    struct catalogue *catalogue;
    struct notify *notify;
    struct journal *journal;

    struct node_options options;
    struct node_reports reports;    /* about_dir.c's */
    struct bulk_closed bulk_closed; /* the same */
    bool can_expire;                /* the kernel can expire names by notification */

    struct node root, archived, about_dir, refresh; /* the fixed ones */
    struct pool pool;                               /* of all others */
    struct trees trees;

    /* Of the places: when one last won or lost a connector (PLACE_NONE: when the mount began), and
     * whether the kernel was told so and has not asked since. */
    struct timespec changed[PLACE_ARCHIVED + 1];
    bool relisted[PLACE_ARCHIVED + 1];

    LIST_HEAD(, departing) departing; /* departing.c's */
    unsigned batches;                 /* prefetch.c's, on their way to the kernel */

    /* hide.c's */
    TAILQ_HEAD(hidings, hiding) hidings;
    struct loop_timer unhide; /* when the first of them comes back */

    /* expiry.c's */
    struct loop_timer expiry;
    size_t expiry_step; /* that comes next */

    /* control_file.c's */
    struct poll_wait polls[NODE_POLLS_MAX];
    unsigned next_poll; /* where the next one goes, modulo NODE_POLLS_MAX */
};

/* The directory that lists the connectors of the place. */
struct node *node_place_dir(struct nodes *n, enum place place);

/* An attached node of the kind, without a lookup; the connector is pinned. NULL: no memory. */
struct node *node_new(struct nodes *n, enum node_kind kind, struct connector *connector);
/* The attached node, made if the kernel does not know it yet. No lookup is counted. -ENOMEM; for an
 * entry that is hidden -ENOENT. */
int node_of_connector(struct nodes *n, struct connector *connector, struct node **out) MUST_CHECK;
int node_of_entry(struct nodes *n, struct node *dir, uint32_t entry, struct node **out) MUST_CHECK;
/* Sees to it that a directory inside a connector, or the connector's own, has its view, and the
 * view its tree. -ENOENT: the connector is gone. -ENOMEM. */
int node_open_view(struct nodes *n, struct node *dir) MUST_CHECK;

#endif
