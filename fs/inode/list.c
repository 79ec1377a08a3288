#include "list.h"

#include <errno.h>

#include "about_dir.h"
#include "bigdatafs/connector/tree.h"
#include "bigdatafs/inode/forget.h"
#include "bigdatafs/inode/id.h"
#include "control_file.h"
#include "life.h"

/* Cookies of names that no connector and no tree has; 1 and 2 are those of "." and "..". */
enum {
    COOKIE_ARCHIVED = 3,
    COOKIE_ABOUT = 4,
    COOKIE_CONTROL = 3,
    COOKIE_FIRST_ABOUT_FILE = 3,
};

void node_relist(struct nodes *n, const struct node *dir)
{
    notify_inode(n->notify, nodes_id(n, dir), true);
}

/* Hands one child over; false when the listing is to end. node has no lookup counted yet. */
static bool hand_over(struct nodes *n, const struct node_listing *l, struct node_child *child,
                      struct node *node)
{
    if (l->with_nodes && node != NULL) {
        child->node = node;
        node->lookups++;
    }
    if (l->child(l->arg, child))
        return true;
    if (child->node != NULL)
        nodes_forget(n, node, 1);
    return false;
}

/* The directories of the root that are always there; false when the listing is to end. */
static bool list_fixed(struct nodes *n, const struct node_listing *l)
{
    const struct {
        const char *name;
        uint64_t cookie;
        struct node *node;
    } dirs[] = {{NODE_ARCHIVED_NAME, COOKIE_ARCHIVED, &n->archived},
                {NODE_ABOUT_NAME, COOKIE_ABOUT, &n->about_dir}};
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        struct node_child child = {.name = dirs[i].name,
                                   .cookie = dirs[i].cookie,
                                   .ino = dirs[i].node->ino,
                                   .is_dir = true};
        if (l->after < child.cookie && !hand_over(n, l, &child, dirs[i].node))
            return false;
    }
    return true;
}

static int list_connectors(struct nodes *n, struct node *dir, const struct node_listing *l)
{
    n->relisted[node_dir_place(dir)] = false;
    if (node_is_root(dir) && !list_fixed(n, l))
        return 0;
    const struct connectors *connectors = catalogue_connectors(n->catalogue);
    uint64_t serial = l->after > NODE_FIRST_COOKIE ? l->after - NODE_FIRST_COOKIE : 0;
    struct connector *connector;
    while ((connector = connectors_next(connectors, node_dir_place(dir), serial)) != NULL) {
        struct node *node = NULL;
        serial = connector->serial;
        if (l->with_nodes && node_of_connector(n, connector, &node) < 0)
            return -ENOMEM;
        struct node_child child = {.name = connector->id,
                                   .cookie = serial + NODE_FIRST_COOKIE,
                                   .ino = view_connector_ino(connector->id),
                                   .is_dir = true};
        if (!hand_over(n, l, &child, node))
            return 0;
    }
    return 0;
}

/* Reports and bulk files have no node here: a lookup makes one. */
static int list_about(struct nodes *n, const struct node_listing *l)
{
    uint32_t count = about_dir_count(n);
    for (uint32_t i = 0; i < count; i++) {
        struct about_file file = about_dir_file(n, i);
        struct node_child child = {
            .name = file.name, .cookie = COOKIE_FIRST_ABOUT_FILE + i, .ino = file.ino};
        if (child.cookie > l->after && !hand_over(n, l, &child, file.node))
            break;
    }
    return 0;
}

/* False when the listing is to end, with *err. */
static bool list_control(struct nodes *n, struct node *dir, const struct node_listing *l, int *err)
{
    struct node *node = NULL;
    if (l->with_nodes)
        *err = control_file_node(n, dir, &node);
    struct node_child child = {
        .name = NODE_CONTROL_NAME, .cookie = COOKIE_CONTROL, .ino = control_file_ino(dir)};
    return *err == 0 && hand_over(n, l, &child, node);
}

static int list_inside(struct nodes *n, struct node *dir, const struct node_listing *l)
{
    if (!dir->attached)
        return 0;
    int err = node_open_view(n, dir);
    if (err < 0)
        return err;
    if (dir->kind == NODE_CONNECTOR && l->after < COOKIE_CONTROL && !dir->control_hidden &&
        !list_control(n, dir, l, &err))
        return err;
    struct node *node = NULL;
    const struct view *v = dir->view;
    const struct entry *d = &v->tree->entries[dir->entry];
    for (uint32_t i = d->first; i < d->first + d->count; i++) {
        const struct entry *e = &v->tree->entries[i];
        if (e->cookie <= l->after || (v->marks[i] & VIEW_HIDDEN))
            continue;
        if (l->with_nodes && node_of_entry(n, dir, i, &node) < 0)
            return -ENOMEM;
        struct node_child child = {.name = e->name,
                                   .cookie = e->cookie,
                                   .ino = l->with_nodes ? node->ino : view_ino(v, i),
                                   .is_dir = e->kind == ENTRY_DIR};
        if (!hand_over(n, l, &child, node))
            return 0;
    }
    return 0;
}

int nodes_list(struct nodes *n, struct node *dir, const struct node_listing *listing)
{
    switch ((enum node_kind)dir->kind) {
    case NODE_ROOT:
    case NODE_ARCHIVED:
        return list_connectors(n, dir, listing);
    case NODE_CONNECTOR:
    case NODE_DIR:
        return list_inside(n, dir, listing);
    case NODE_ABOUT:
        return list_about(n, listing);
    default:
        return -ENOTDIR;
    }
}
