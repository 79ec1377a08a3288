#include "bigdatafs/inode/hide.h"

#include <errno.h>

#include "bigdatafs/inode/forget.h"
#include "bigdatafs/inode/lookup.h"
#include "life.h"
#include "list.h"

int nodes_hide(struct nodes *n, struct node *dir, const char *name, bool is_dir)
{
    struct node *node;
    int err = nodes_lookup(n, dir, name, &node);
    if (err < 0)
        return err;
    if (is_dir && !node_is_dir(node))
        err = -ENOTDIR;
    else if (!is_dir && node_is_dir(node))
        err = -EISDIR;
    if (err == 0 && node->kind == NODE_CONTROL) {
        dir->control_hidden = true;
    } else if (err == 0) {
        dir->view->marks[node->entry] |= VIEW_HIDDEN;
        dir->view->any_hidden = true;
    }
    if (err == 0) {
        n->any_hidden = true;
        node_detach(node);
    }
    nodes_forget(n, node, 1);
    return err;
}

void nodes_unhide(struct nodes *n, struct connector *connector)
{
    struct node *dir = connector->dir;
    struct view *v = dir != NULL ? dir->view : NULL;
    if (dir == NULL || !(dir->control_hidden || (v != NULL && v->any_hidden)))
        return;
    dir->control_hidden = false;
    node_relist(n, dir);
    if (v == NULL)
        return;
    v->any_hidden = false;
    for (uint32_t i = 0; i < v->count; i++) {
        v->marks[i] &= (uint8_t)~VIEW_HIDDEN;
        if (v->nodes[i] != NULL && node_is_dir(v->nodes[i]))
            node_relist(n, v->nodes[i]);
    }
}
