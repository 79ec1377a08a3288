#include "expiry.h"

#include "bigdatafs/inode/id.h"
#include "life.h"
#include "list.h"

enum { PAUSE_MS = 2 }; /* between two slices */

/* Has the kernel ask again for what a list tells of the connector: the name and the attributes of
 * directories. Files inside never change. */
static void expire_connector(struct nodes *n, const struct connector *connector)
{
    const struct node *dir = connector->dir;
    if (dir == NULL)
        return;
    if (n->can_expire)
        notify_expire(n->notify, nodes_id(n, node_place_dir(n, connector->place)), connector->id);
    notify_inode(n->notify, nodes_id(n, dir), false);
    const struct view *v = dir->view;
    for (uint32_t i = 1; v != NULL && i < v->count; i++)
        if (v->nodes[i] != NULL && node_is_dir(v->nodes[i]))
            notify_inode(n->notify, nodes_id(n, v->nodes[i]), false);
}

/* Step 0 are the listings, step i is the connector with index i - 1. */
static void expire_step(struct nodes *n, size_t step)
{
    if (step > 0) {
        expire_connector(n, connectors_at(catalogue_connectors(n->catalogue), step - 1));
        return;
    }
    node_relist(n, &n->root);
    node_relist(n, &n->archived);
}

void expiry_on_due(void *arg)
{
    struct nodes *n = arg;
    uint64_t left = catalogue_ttl_left_ms(n->catalogue);
    if (left > 0) { /* there is a newer list */
        n->expiry_step = 0;
        loop_timer_set(n->loop, &n->expiry, left);
        return;
    }
    while (n->expiry_step <= connectors_count(catalogue_connectors(n->catalogue))) {
        if (loop_should_yield(n->loop) || notify_is_full(n->notify)) {
            loop_timer_set(n->loop, &n->expiry, PAUSE_MS);
            return;
        }
        expire_step(n, n->expiry_step++);
    }
    n->expiry_step = 0;
}

void expiry_on_refreshed(void *arg)
{
    struct nodes *n = arg;
    n->expiry_step = 0;
    loop_timer_set(n->loop, &n->expiry, catalogue_ttl_left_ms(n->catalogue));
}
