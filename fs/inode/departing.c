#include "departing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/inode/id.h"
#include "bigdatafs/inode/lookup.h"
#include "life.h"

void depart(struct nodes *n, struct connector *connector, enum place was, struct node *node)
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

void forget_departing(struct nodes *n, const struct node *node)
{
    for (struct departing *d = n->departing; d != NULL; d = d->next)
        if (d->node == node)
            d->node = NULL;
}

static struct node *node_of_departed(struct nodes *n, struct connector *connector)
{
    struct node *node = node_new(n, NODE_CONNECTOR, connector);
    if (node == NULL)
        return NULL;
    node->attached = false;
    node->ino = view_connector_ino(connector->id);
    return node;
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
