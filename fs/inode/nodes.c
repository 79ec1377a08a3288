#include "bigdatafs/inode/nodes.h"

#include <errno.h>
#include <stdlib.h>

#include "about_dir.h"
#include "change.h"
#include "control_file.h"
#include "departing.h"
#include "expiry.h"
#include "forget.h"
#include "life.h"
#include "list.h"

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
    n->root = (struct node){.kind = NODE_ROOT, .attached = true, .ino = NOTIFY_ROOT_ID};
    n->archived = (struct node){.kind = NODE_ARCHIVED, .attached = true, .ino = ARCHIVED_INO};
    n->about_dir = (struct node){.kind = NODE_ABOUT, .attached = true, .ino = ABOUT_INO};
    n->refresh = (struct node){.kind = NODE_REFRESH, .attached = true, .ino = REFRESH_INO};
    clock_gettime(CLOCK_REALTIME, &n->changed[PLACE_ACTIVE]);
    n->changed[PLACE_NONE] = n->changed[PLACE_ARCHIVED] = n->changed[PLACE_ACTIVE];
    loop_timer_init(&n->expiry, node_on_expiry, n);
    struct catalogue_observer observer = {.changed = node_on_changed,
                                          .progress = node_on_progress,
                                          .refreshed = node_on_refreshed,
                                          .arg = n};
    catalogue_observe(n->catalogue, &observer);
    if (catalogue_state(n->catalogue).loaded)
        node_on_refreshed(n);
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
    node_wake_polls(n, NULL);
    loop_timer_clear(&n->expiry);
    departing_free_all(n);
    pool_free(&n->pool, node_end, n);
    free(n);
}
