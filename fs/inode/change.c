#include "change.h"

#include <string.h>

#include "bigdatafs/connector/tree.h"
#include "bigdatafs/inode/id.h"
#include "control_file.h"
#include "departing.h"
#include "life.h"
#include "list.h"

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

/* The name in the root or .archived is no more. Only the end of a hard delete of ours is worth the
 * full removal: it opens the mount point for a moment, which an unmount would meet as busy. */
static void drop_name(struct nodes *n, struct connector *connector, enum place was,
                      struct node *node)
{
    bool ours = connector_is_being_deleted(connector);
    if (ours)
        departing_add(n, connector, was, node);
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
    if (dir != NULL && dir->fate == FATE_MOVE && connector->place == PLACE_ARCHIVED) {
        adopt(n, dir);
        return;
    }
    bool kernel_knows = dir != NULL && dir->fate == FATE_RMDIR;
    if (dir != NULL)
        detach_all(n, dir);
    if (was != PLACE_NONE && !kernel_knows)
        drop_name(n, connector, was, dir);
    node_wake_polls(n, connector);
}

void nodes_set_fate(struct connector *connector, enum node_fate fate)
{
    if (connector->dir != NULL)
        connector->dir->fate = (uint8_t)fate;
}

void nodes_not_removed(struct nodes *n, const struct connector *connector)
{
    if (connector->place != PLACE_ACTIVE)
        notify_deleted(n->notify, nodes_id(n, &n->root), 0, connector->id);
}
