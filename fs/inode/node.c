#include "node.h"

#include <assert.h>

#include "bigdatafs/connector/tree.h"
#include "view.h"

static const struct {
    bool is_dir;
    bool is_of_list;
    bool is_fixed;
    enum node_command command;
} kinds[] = {
    [NODE_ROOT] = {.is_dir = true, .is_of_list = true, .is_fixed = true},
    [NODE_ARCHIVED] = {.is_dir = true, .is_of_list = true, .is_fixed = true},
    [NODE_CONNECTOR] = {.is_dir = true, .is_of_list = true},
    [NODE_DIR] = {.is_dir = true, .is_of_list = true},
    [NODE_FILE] = {.is_dir = false},
    [NODE_CONTROL] = {.command = NODE_COMMAND_FORCE_DELETE},
    [NODE_ABOUT] = {.is_dir = true, .is_fixed = true},
    [NODE_REPORT] = {.is_dir = false},
    [NODE_REFRESH] = {.is_fixed = true, .command = NODE_COMMAND_REFRESH},
    [NODE_BULK] = {.command = NODE_COMMAND_BULK},
};

enum node_command node_command(const struct node *node)
{
    return kinds[node->kind].command;
}

bool node_is_writable(const struct node *node)
{
    return node_command(node) != NODE_COMMAND_NONE;
}

bool node_is_root(const struct node *node)
{
    return node->kind == NODE_ROOT;
}

bool node_is_archived(const struct node *node)
{
    return node->kind == NODE_ARCHIVED;
}

bool node_lists_connectors(const struct node *node)
{
    return node->kind == NODE_ROOT || node->kind == NODE_ARCHIVED;
}

bool node_is_inside_connector(const struct node *node)
{
    return node->kind == NODE_CONNECTOR || node->kind == NODE_DIR;
}

bool node_is_of_list(const struct node *node)
{
    return kinds[node->kind].is_of_list;
}

bool node_is_dir(const struct node *node)
{
    return kinds[node->kind].is_dir;
}

bool node_is_fixed(const struct node *node)
{
    return kinds[node->kind].is_fixed;
}

uint64_t node_ino(const struct node *node)
{
    return node->ino;
}

struct connector *node_connector(const struct node *node)
{
    return node->connector;
}

enum place node_dir_place(const struct node *dir)
{
    return dir->kind == NODE_ARCHIVED ? PLACE_ARCHIVED : PLACE_ACTIVE;
}

/* The table in node.h: attached is what its name leads to. */
static void check_invariants(const struct node *node)
{
    const struct connector *connector = node->connector;
    assert(connector != NULL && connector->pins > 0);
    if (node->kind == NODE_CONNECTOR)
        assert(node->attached == (connector->dir == node));
    else if (node->kind == NODE_CONTROL)
        assert(node->attached == (connector->dir != NULL && connector->dir->control == node));
    else
        assert(node->attached == (node->view->nodes[node->entry] == node));
    (void)connector;
}

void node_show(struct node *node, struct view *v, uint32_t entry)
{
    const struct entry *e = &v->tree->entries[entry], *child = &v->tree->entries[e->first];
    node->view = view_ref(v);
    node->entry = entry;
    node->shown = (struct shown){.size = e->size, .synced = e->synced};
    for (uint32_t i = 0; i < e->count; i++)
        if (child[i].kind == ENTRY_DIR)
            node->shown.subdirs++;
    v->nodes[entry] = node;
    check_invariants(node);
}

/* Without its directory a .force_delete has no name that leads to it. */
static void detach_control(struct node *dir)
{
    if (dir->control != NULL)
        dir->control->attached = false;
    dir->control = NULL;
}

void node_detach(struct node *node)
{
    if (!node->attached || node->connector == NULL)
        return;
    node->attached = false;
    if (node->kind == NODE_CONNECTOR) {
        detach_control(node);
        node->connector->dir = NULL;
    } else if (node->kind == NODE_CONTROL) {
        node->connector->dir->control = NULL;
    } else {
        node->view->nodes[node->entry] = NULL;
    }
    check_invariants(node);
}
