#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"

#include "bigdatafs/connector/tree.h"
#include "node.h"

void node_relist(struct nodes *n, const struct node *dir)
{
    notify_inode(n->notify, nodes_id(n, dir), true);
}

/* Changes */

static void retire(struct nodes *n, struct node *node, const struct node *parent)
{
    if (parent != NULL)
        notify_name(n->notify, nodes_id(n, parent), node->view->tree->entries[node->entry].name);
    node_detach(node);
}

/* The node under which the kernel finds entry's siblings. */
static const struct node *parent_of(const struct node *dir, const struct view *v, uint32_t entry)
{
    uint32_t parent = v->tree->entries[entry].parent;
    return parent == 0 ? dir : v->nodes[parent];
}

static void show(struct node *node, struct view *v, uint32_t entry)
{
    v->marks[entry] |= node->view->marks[node->entry] & VIEW_SENT;
    view_unref(node->view);
    node_show(node, v, entry);
}

/* All below the directory. Without memory for the names the kernel may keep them. */
static void retire_all(struct nodes *n, struct node *dir)
{
    struct view *v = dir->view;
    bool open = v != NULL && view_open(v) == 0;
    if (v != NULL && !open)
        log_error(n->log, "no memory: the kernel may show old data for %s", dir->connector->id);
    for (uint32_t i = v != NULL ? v->count : 0; i-- > 1;)
        if (v->nodes[i] != NULL)
            retire(n, v->nodes[i], open ? parent_of(dir, v, i) : NULL);
}

/* The directory's connector has another version: what is the same in both moves over with its
 * node, the rest is retired. Children come after their parents, so retire them from the end. */
static void adopt(struct nodes *n, struct node *dir)
{
    struct view *old = dir->view, *new;
    notify_inode(n->notify, nodes_id(n, dir), true);
    dir->control_hidden = false;
    if (old == NULL)
        return;
    int err = view_open(old);
    if (err == 0)
        err = view_new(&n->trees, dir->connector->snapshot, &new);
    if (err < 0) { /* nothing is better than what is not so any more */
        log_error(n->log, "the new files of %s cannot be shown: %s", dir->connector->id,
                  strerror(-err));
        retire_all(n, dir);
        view_unref(old);
        dir->view = NULL;
        return;
    }
    for (uint32_t i = old->count; i-- > 1;) {
        struct node *node = old->nodes[i];
        if (node == NULL)
            continue;
        int to = view_find_path(old, i, new);
        bool same =
            to >= 0 && (node->kind == NODE_DIR || view_same_file(old, i, new, (uint32_t)to));
        if (!same) {
            retire(n, node, parent_of(dir, old, i));
            continue;
        }
        if (node->kind == NODE_DIR)
            notify_inode(n->notify, nodes_id(n, node), true);
        show(node, new, (uint32_t)to);
    }
    view_unref(old);
    dir->view = new;
}

void node_wake_polls(struct nodes *n, const struct connector *connector)
{
    for (unsigned i = 0; i < NODE_POLLS_MAX; i++) {
        struct poll_wait *w = &n->polls[i];
        if (w->handle == NULL || (connector != NULL && w->connector != connector))
            continue;
        notify_poll(w->handle);
        w->handle = NULL;
        w->connector->pins--;
    }
}

static void depart(struct nodes *n, struct connector *connector, enum place was, struct node *node)
{
    struct departing *d = calloc(1, sizeof *d);
    char path[sizeof NODE_ARCHIVED_NAME + 1 + UUID_LEN];
    uint64_t parent = nodes_id(n, node_place_dir(n, was));
    snprintf(path, sizeof path, "%s%s", was == PLACE_ARCHIVED ? NODE_ARCHIVED_NAME "/" : "",
             connector->id);
    if (d == NULL) {
        notify_deleted(n->notify, parent, 0, connector->id);
        return;
    }
    *d = (struct departing){.next = n->departing, .place = was, .node = node};
    memcpy(d->id, connector->id, sizeof d->id);
    n->departing = d;
    notify_removed(n->notify, parent, node != NULL ? nodes_id(n, node) : 0, connector->id, path);
}

/* The name in the root or .archived is no more. Only the end of a hard delete of ours is worth the
 * full removal: it opens the mount point for a moment, which an unmount would meet as busy. */
static void drop_name(struct nodes *n, struct connector *connector, enum place was,
                      struct node *node)
{
    bool ours = connector_is_being_deleted(connector);
    if (ours)
        depart(n, connector, was, node);
    else if (node != NULL)
        notify_deleted(n->notify, nodes_id(n, node_place_dir(n, was)), nodes_id(n, node),
                       connector->id);
}

/* The connector left its place: the nodes below its directory have no names any more. */
static void detach_all(struct nodes *n, struct node *dir)
{
    retire_all(n, dir);
    if (dir->control != NULL) {
        notify_name(n->notify, nodes_id(n, dir), NODE_CONTROL_NAME);
        node_detach(dir->control);
    }
    node_detach(dir);
}

static void note_membership(struct nodes *n, enum place place)
{
    if (place == PLACE_NONE)
        return;
    clock_gettime(CLOCK_REALTIME, &n->changed[place]);
    if (n->relisted[place])
        return; /* it was told, and has not asked since */
    n->relisted[place] = true;
    node_relist(n, node_place_dir(n, place));
}

void node_on_changed(void *arg, struct connector *connector, enum place was)
{
    struct nodes *n = arg;
    struct node *dir = connector->dir;
    if (connector->place == was) {
        if (dir != NULL)
            adopt(n, dir);
        return;
    }
    note_membership(n, was);
    note_membership(n, connector->place);
    if (dir != NULL && dir->state == FATE_MOVE && connector->place == PLACE_ARCHIVED) {
        adopt(n, dir);
        return;
    }
    bool kernel_knows = dir != NULL && dir->state == FATE_RMDIR;
    if (dir != NULL)
        detach_all(n, dir);
    if (was != PLACE_NONE && !kernel_knows)
        drop_name(n, connector, was, dir);
    node_wake_polls(n, connector);
}

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

void nodes_renew_control(struct nodes *n, struct connector *connector)
{
    if (connector->dir == NULL || connector->dir->control == NULL)
        return;
    notify_name(n->notify, nodes_id(n, connector->dir), NODE_CONTROL_NAME);
    node_detach(connector->dir->control);
}

void node_on_progress(void *arg, struct connector *connector)
{
    struct nodes *n = arg;
    const struct node *control = connector->dir != NULL ? connector->dir->control : NULL;
    if (control != NULL &&
        strcmp(node_progress_text(control->state), node_progress_text(connector->progress)) != 0)
        nodes_renew_control(n, connector);
    node_wake_polls(n, connector);
}

unsigned nodes_poll(struct nodes *n, struct node *control, struct fuse_pollhandle *handle)
{
    const struct connector *connector = control->connector;
    if (handle != NULL) {
        struct poll_wait *w = &n->polls[n->next_poll++ % NODE_POLLS_MAX];
        if (w->handle != NULL) {
            notify_poll(w->handle);
            w->connector->pins--;
        }
        *w = (struct poll_wait){.handle = handle, .connector = control->connector};
        w->connector->pins++;
    }
    if (!connector_exists(connector))
        return POLLIN | POLLPRI | POLLERR | POLLHUP;
    if (connector_is_being_deleted(connector))
        return 0; /* the news that is waited for is that it is gone */
    return POLLIN | POLLOUT;
}

void nodes_set_fate(struct connector *connector, enum node_fate fate)
{
    if (connector->dir != NULL)
        connector->dir->state = (uint8_t)fate;
}

void nodes_not_removed(struct nodes *n, const struct connector *connector)
{
    if (connector->place != PLACE_ACTIVE)
        notify_deleted(n->notify, nodes_id(n, &n->root), 0, connector->id);
}

static struct departing **find_departing(struct nodes *n, const struct node *dir, const char *name)
{
    struct departing **d = &n->departing;
    while (*d != NULL && ((*d)->place != node_dir_place(dir) || strcmp((*d)->id, name) != 0))
        d = &(*d)->next;
    return d;
}

int nodes_lookup_departing(struct nodes *n, struct node *dir, const char *name, struct node **out)
{
    if (dir->kind == NODE_ROOT && strcmp(name, NODE_ARCHIVED_NAME) == 0)
        return nodes_lookup(n, dir, name, out);
    struct departing *d = *find_departing(n, dir, name);
    if (d == NULL)
        return -ENOENT;
    if (d->node == NULL) {
        struct connector *connector = connectors_find(catalogue_connectors(n->catalogue), name);
        if (connector == NULL || (d->node = node_of_departed(n, connector)) == NULL)
            return -ENOENT;
    }
    *out = d->node;
    d->node->lookups++;
    return 0;
}

int nodes_remove_departing(struct nodes *n, struct node *dir, const char *name)
{
    struct departing **at = find_departing(n, dir, name), *d = *at;
    if (d == NULL)
        return -ENOENT;
    *at = d->next;
    free(d);
    return 0;
}
