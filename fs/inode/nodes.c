#include "bigdatafs/inode/nodes.h"

#include <errno.h>
#include <stdlib.h>

#include "about_dir.h"
#include "bigdatafs/inode/hide.h"
#include "change.h"
#include "control_file.h"
#include "departing.h"
#include "expiry.h"
#include "forget.h"
#include "life.h"
#include "list.h"

static struct node fixed_node(enum node_kind kind, uint64_t ino)
{
    return (struct node){.kind = (uint8_t)kind, .attached = true, .ino = ino};
}

int nodes_new(const struct nodes_parts *parts, const struct node_options *options,
              struct nodes **out)
{
    struct nodes *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    n->loop = parts->loop;
    n->catalogue = parts->catalogue;
    n->notify = parts->notify;
    n->log = parts->log;
    n->journal = parts->journal;
    n->options = *options;
    pool_init(&n->pool);
    trees_init(&n->trees, VIEW_TREES_BYTES);
    LIST_INIT(&n->departing);
    n->root = fixed_node(NODE_ROOT, NOTIFY_ROOT_ID);
    n->archived = fixed_node(NODE_ARCHIVED, ARCHIVED_INO);
    n->about_dir = fixed_node(NODE_ABOUT, ABOUT_INO);
    n->refresh = fixed_node(NODE_REFRESH, REFRESH_INO);
    for (enum place place = PLACE_NONE; place <= PLACE_ARCHIVED; place++)
        clock_gettime(CLOCK_REALTIME, &n->changed[place]);
    loop_timer_init(&n->expiry, expiry_on_due, n);
    hide_init(n);
    struct catalogue_observer observer = {.changed = change_on_changed,
                                          .progress = control_file_on_progress,
                                          .refreshed = expiry_on_refreshed,
                                          .arg = n};
    catalogue_observe(n->catalogue, &observer);
    if (catalogue_state(n->catalogue).loaded)
        expiry_on_refreshed(n);
    *out = n;
    return 0;
}

void nodes_set_reports(struct nodes *n, const struct node_reports *reports)
{
    n->reports = *reports;
}

void nodes_can_expire(struct nodes *n, bool can)
{
    n->can_expire = can;
}

size_t nodes_tree_bytes(const struct nodes *n)
{
    return n->trees.bytes;
}

uint64_t nodes_trees_made(const struct nodes *n)
{
    return n->trees.made;
}

void nodes_free(struct nodes *n)
{
    if (n == NULL)
        return;
    n->bulk_closed = (struct bulk_closed){0}; /* nothing is sent any more */
    control_file_wake_polls(n, NULL);
    loop_timer_clear(&n->expiry);
    hide_end(n);
    departing_free_all(n);
    pool_free(&n->pool, node_end, n);
    free(n);
}
