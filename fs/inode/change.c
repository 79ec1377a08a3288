#include "change.h"

#include <string.h>

#include "bigdatafs/connector/tree.h"
#include "bigdatafs/inode/hide.h"
#include "bigdatafs/inode/id.h"
#include "control_file.h"
#include "departing.h"
#include "life.h"
#include "list.h"

/* The node's name means something else from now on, or nothing. Without a parent the kernel is not
 * told. */
static void retire(struct nodes *n, struct node *node, const struct node *parent)
{
    if (parent != NULL)
        notify_name(n->notify, nodes_id(n, parent), node->view->tree->entries[node->entry].name);
    node_detach(node);
}

/* The node below which the kernel finds the name of the entry. */
static const struct node *parent_of(const struct node *dir, const struct view *v, uint32_t entry)
{
    uint32_t parent = v->tree->entries[entry].parent;
    return parent == 0 ? dir : v->nodes[parent];
}

/* Retires all nodes below the directory of a connector, children before their parents. Without
 * memory for the tree their names are not known, and the kernel may keep them. */
static void retire_all(struct nodes *n, struct node *dir)
{
    struct view *v = dir->view;
    if (v == NULL)
        return;
    bool open = view_open(v) == 0;
    if (!open)
        log_error(n->log, "no memory: the kernel may show old data for %s", dir->connector->id);
    for (uint32_t i = v->count; i-- > 1;)
        if (v->nodes[i] != NULL)
            retire(n, v->nodes[i], open ? parent_of(dir, v, i) : NULL);
}

/* Moves the node to its entry in the view of the newer snapshot. */
static void move(struct node *node, struct view *to, uint32_t entry)
{
    struct view *from = node->view;
    to->marks[entry] |= from->marks[node->entry] & VIEW_SENT;
    from->nodes[node->entry] = NULL;
    node_show(node, to, entry);
    view_unref(from);
}

/* The node of an entry of the old view moves to the new one if it shows the same there. */
static void move_or_retire(struct nodes *n, struct node *dir, uint32_t entry, struct view *new)
{
    struct view *old = dir->view;
    struct node *node = old->nodes[entry];
    int to = view_find_path(old, entry, new);
    bool moves = to >= 0 && (node_is_dir(node) || view_same_file(old, entry, new, (uint32_t)to));
    if (!moves) {
        retire(n, node, parent_of(dir, old, entry));
        return;
    }
    if (node_is_dir(node))
        node_relist(n, node);
    move(node, new, (uint32_t)to);
}

/* What was unlinked stays hidden under the same path. */
static void keep_hidden(const struct view *old, struct view *new)
{
    for (uint32_t i = 1; old->any_hidden && i < old->count; i++) {
        int to = (old->marks[i] & VIEW_HIDDEN) != 0 ? view_find_path(old, i, new) : -1;
        if (to < 0)
            continue;
        new->marks[to] |= VIEW_HIDDEN;
        new->any_hidden = true;
    }
}

/* The connector of the directory has another snapshot. Entries of parents come before those of
 * their children, so from the end on each node still has its parent. */
static void adopt(struct nodes *n, struct node *dir)
{
    struct view *old = dir->view, *new = NULL;
    node_relist(n, dir);
    if (old == NULL)
        return;
    int err = view_open(old);
    if (err == 0)
        err = view_new(&n->trees, dir->connector->snapshot, &new);
    if (err < 0) { /* rather no files than files that are not true any more */
        log_error(n->log, "the new files of %s cannot be shown: %s", dir->connector->id,
                  strerror(-err));
        retire_all(n, dir);
    } else {
        keep_hidden(old, new);
    }
    for (uint32_t i = err < 0 ? 0 : old->count; i-- > 1;)
        if (old->nodes[i] != NULL)
            move_or_retire(n, dir, i, new);
    dir->view = new;
    view_unref(old);
}

/* The name of the connector in the root or .archived is no more; node is what it meant, or NULL.
 * Only the end of a hard delete of this mount's is worth a removal through the mount: that opens
 * the mount point for a moment, which an unmount would meet as busy. */
static void drop_name(struct nodes *n, const struct connector *connector, enum place was,
                      struct node *node)
{
    if (connector_is_being_deleted(connector))
        departing_add(n, connector, was, node);
    else if (node != NULL)
        notify_deleted(n->notify, nodes_id(n, node_place_dir(n, was)), nodes_id(n, node),
                       connector->id);
}

/* The connector left its place: nothing below its directory has a name any more. */
static void detach_all(struct nodes *n, struct node *dir)
{
    retire_all(n, dir);
    nodes_renew_control(n, dir->connector);
    node_detach(dir);
}

/* The place won or lost a connector. */
static void note_membership(struct nodes *n, enum place place)
{
    if (place == PLACE_NONE)
        return;
    clock_gettime(CLOCK_REALTIME, &n->changed[place]);
    if (n->relisted[place])
        return; /* the kernel was told, and has not asked since */
    n->relisted[place] = true;
    node_relist(n, node_place_dir(n, place));
}

void change_on_changed(void *arg, struct connector *connector, enum place was)
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
        nodes_unhide(n, connector);
        adopt(n, dir);
        return;
    }
    bool kernel_drops_it = dir != NULL && dir->fate == FATE_RMDIR;
    if (dir != NULL)
        detach_all(n, dir);
    if (was != PLACE_NONE && !kernel_drops_it)
        drop_name(n, connector, was, dir);
    control_file_wake_polls(n, connector);
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
