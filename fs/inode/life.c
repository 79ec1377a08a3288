#include "life.h"

#include <errno.h>

#include "bigdatafs/connector/tree.h"

struct node *node_place_dir(struct nodes *n, enum place place)
{
    return place == PLACE_ARCHIVED ? &n->archived : &n->root;
}

struct node *node_new(struct nodes *n, enum node_kind kind, struct connector *connector)
{
    struct node *node = pool_get(&n->pool, kind);
    if (node == NULL)
        return NULL;
    node->attached = true;
    node->connector = connector;
    if (connector != NULL)
        connector->pins++;
    return node;
}

int node_open_view(struct nodes *n, struct node *dir)
{
    if (dir->view != NULL)
        return view_open(dir->view);
    if (dir->connector->snapshot == NULL)
        return -ENOENT;
    return view_new(&n->trees, dir->connector->snapshot, &dir->view);
}

int node_of_connector(struct nodes *n, struct connector *connector, struct node **out)
{
    if (connector->dir == NULL) {
        struct node *node = node_new(n, NODE_CONNECTOR, connector);
        if (node == NULL)
            return -ENOMEM;
        node->ino = view_connector_ino(connector->id);
        connector->dir = node;
    }
    *out = connector->dir;
    return 0;
}

int node_of_entry(struct nodes *n, struct node *dir, uint32_t entry, struct node **out)
{
    struct view *v = dir->view;
    if (v->marks[entry] & VIEW_HIDDEN)
        return -ENOENT;
    if (v->nodes[entry] == NULL) {
        bool is_dir = v->tree->entries[entry].kind == ENTRY_DIR;
        struct node *node = node_new(n, is_dir ? NODE_DIR : NODE_FILE, dir->connector);
        if (node == NULL)
            return -ENOMEM;
        node_show(node, v, entry);
        node->ino = view_ino(v, entry);
        v->marks[entry] &= (uint8_t)~VIEW_SENT; /* a new inode is empty */
        v->all_sent = false;
    }
    *out = v->nodes[entry];
    return 0;
}
