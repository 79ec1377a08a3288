#include "node.h"

#include "bigdatafs/connector/tree.h"
#include "view.h"

enum place node_dir_place(const struct node *dir)
{
    return dir->kind == NODE_ARCHIVED ? PLACE_ARCHIVED : PLACE_ACTIVE;
}

void node_show(struct node *node, struct view *v, uint32_t entry)
{
    const struct entry *e = &v->tree->entries[entry], *child = &v->tree->entries[e->first];
    node->view = view_ref(v);
    node->entry = entry;
    node->shown.size = e->size;
    node->shown.subdirs = 0;
    for (uint32_t i = 0; i < e->count; i++)
        if (child[i].kind == ENTRY_DIR)
            node->shown.subdirs++;
    node->shown.synced = e->synced;
    v->nodes[entry] = node;
}

void node_detach(struct node *node)
{
    if (!node->attached || node->connector == NULL)
        return;
    node->attached = false;
    struct node *dir = node->connector->dir;
    if (node->kind == NODE_CONNECTOR)
        node->connector->dir = NULL;
    else if (node->kind == NODE_CONTROL && dir != NULL && dir->control == node)
        dir->control = NULL;
    else if (node->view != NULL)
        node->view->nodes[node->entry] = NULL;
}
