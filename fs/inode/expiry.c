#include "expiry.h"

#include "bigdatafs/inode/hide.h"
#include "bigdatafs/inode/id.h"
#include "life.h"
#include "list.h"

enum { EXPIRY_PAUSE_MS = 2 }; /* while the kernel is told of the names that expired */

/* Has the kernel ask again for what the list tells of a connector; inner files cannot change
 * without a list. */
static void expire(struct nodes *n, const struct connector *connector)
{
    struct node *dir = connector->dir;
    if (dir == NULL)
        return;
    if (n->can_expire)
        notify_expire(n->notify, nodes_id(n, node_place_dir(n, connector->place)), connector->id);
    notify_inode(n->notify, nodes_id(n, dir), false);
    for (uint32_t e = 1; dir->view != NULL && e < dir->view->count; e++)
        if (dir->view->nodes[e] != NULL && dir->view->nodes[e]->kind == NODE_DIR)
            notify_inode(n->notify, nodes_id(n, dir->view->nodes[e]), false);
}

/* The list has expired: in slices, and no faster than the kernel is told. */
void node_on_expiry(void *arg)
{
    struct nodes *n = arg;
    const struct connectors *connectors = catalogue_connectors(n->catalogue);
    uint64_t left = catalogue_ttl_left_ms(n->catalogue);
    if (left > 0) {
        n->expired = 0;
        loop_timer_set(n->loop, &n->expiry, left);
        return;
    }
    if (n->expired == 0) {
        node_relist(n, &n->root);
        node_relist(n, &n->archived);
    }
    while (n->expired < connectors_count(connectors)) {
        if (loop_should_yield(n->loop) || notify_is_full(n->notify)) {
            loop_timer_set(n->loop, &n->expiry, EXPIRY_PAUSE_MS);
            return;
        }
        expire(n, connectors_at(connectors, n->expired++));
    }
    n->expired = 0;
}

void node_on_refreshed(void *arg)
{
    struct nodes *n = arg;
    n->expired = 0;
    loop_timer_set(n->loop, &n->expiry, catalogue_ttl_left_ms(n->catalogue));
    if (!n->any_hidden)
        return;
    n->any_hidden = false;
    const struct connectors *connectors = catalogue_connectors(n->catalogue);
    for (size_t i = 0; i < connectors_count(connectors); i++)
        nodes_unhide(n, connectors_at(connectors, i));
}
