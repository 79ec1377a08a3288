/*
 * life: the nodes that exist, and how one comes to be. Its end is forget.h's.
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

struct poll_wait {
    struct fuse_pollhandle *handle;
    struct connector *connector; /* pinned */
};

struct nodes {
    struct loop *loop;
    struct catalogue *catalogue;
    struct notify *notify;
    struct log *log;
    struct node_options options;
    bool can_expire;
    struct pool pool; /* of all but the fixed ones */
    struct trees trees;
    struct journal *journal;
    struct node_reports reports;
    struct node root, archived, about_dir, refresh; /* fixed: never freed */
    struct timespec changed[PLACE_ARCHIVED + 1];    /* when a place last won or lost a connector */
    LIST_HEAD(, departing) departing;
    bool relisted[PLACE_ARCHIVED + 1]; /* the kernel knows no listing of the place */
    struct loop_timer expiry;
    size_t expired; /* connectors whose names have expired so far */
    struct poll_wait polls[NODE_POLLS_MAX];
    unsigned next_poll;
    bool any_hidden;
    unsigned batches; /* page_cache.c's, on their way to the kernel */
};

struct node *node_place_dir(struct nodes *n, enum place place);

/* An attached node of the kind, without lookups; the connector is pinned. NULL: no memory. */
struct node *node_new(struct nodes *n, enum node_kind kind, struct connector *connector);
/* Makes the node if the kernel does not know it yet; lookups is not counted. */
int node_of_connector(struct nodes *n, struct connector *connector, struct node **out) MUST_CHECK;
int node_of_entry(struct nodes *n, struct node *dir, uint32_t entry, struct node **out) MUST_CHECK;
/* Gives a connector's directory the view to look inside; opens it, or an inner directory's. */
int node_open_view(struct nodes *n, struct node *dir) MUST_CHECK;

#endif
