#include "bigdatafs/inode/lookup.h"

#include <errno.h>
#include <string.h>

#include "about_dir.h"
#include "bigdatafs/connector/tree.h"
#include "control_file.h"
#include "life.h"

static int lookup_inside(struct nodes *n, struct node *dir, const char *name, struct node **out)
{
    if (!dir->attached)
        return -ENOENT; /* its connector is gone, or is elsewhere now */
    if (dir->kind == NODE_CONNECTOR && strcmp(name, NODE_CONTROL_NAME) == 0)
        return control_file_node(n, dir, out);
    int err = node_open_view(n, dir);
    if (err < 0)
        return err;
    int entry = tree_find(dir->view->tree, dir->entry, name, strlen(name));
    return entry < 0 ? entry : node_of_entry(n, dir, (uint32_t)entry, out);
}

static int lookup_connector(struct nodes *n, struct node *dir, const char *name, struct node **out)
{
    if (node_is_root(dir) && strcmp(name, NODE_ARCHIVED_NAME) == 0) {
        *out = &n->archived;
        return 0;
    }
    if (node_is_root(dir) && strcmp(name, NODE_ABOUT_NAME) == 0) {
        *out = &n->about_dir;
        return 0;
    }
    struct connector *connector = connectors_find(catalogue_connectors(n->catalogue), name);
    if (connector == NULL || connector->place != node_dir_place(dir))
        return -ENOENT;
    return node_of_connector(n, connector, out);
}

int nodes_lookup(struct nodes *n, struct node *dir, const char *name, struct node **out)
{
    int err;
    switch ((enum node_kind)dir->kind) {
    case NODE_ROOT:
    case NODE_ARCHIVED:
        err = lookup_connector(n, dir, name, out);
        break;
    case NODE_CONNECTOR:
    case NODE_DIR:
        err = lookup_inside(n, dir, name, out);
        break;
    case NODE_ABOUT:
        err = about_dir_find(n, name, out);
        break;
    default:
        err = -ENOTDIR;
    }
    if (err == 0)
        (*out)->lookups++;
    return err;
}
