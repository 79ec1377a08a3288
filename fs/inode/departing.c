/*
 *   state      what is true                                        ended by            next
 *   known      node is the directory that the kernel knew under    the program's       departed
 *              the name: detached, and not freed                   rmdir
 *                                                                  its last forget     unknown
 *   unknown    node is NULL: the kernel never knew one, or has     the program's       known
 *              forgotten it                                        lookup
 *                                                                  the program's       departed
 *                                                                  rmdir
 *   departed   nothing is kept
 */
#include "departing.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"
#include "bigdatafs/inode/id.h"
#include "life.h"

struct departing {
    LIST_ENTRY(departing) others;
    enum place place;
    struct node *node;
    uuid_text id;
};

/* The table above. */
static void check_invariants(const struct departing *d)
{
    assert(d->place != PLACE_NONE);
    assert(d->node == NULL || (d->node->kind == NODE_CONNECTOR && !d->node->attached &&
                               strcmp(d->node->connector->id, d->id) == 0));
    (void)d;
}

void departing_add(struct nodes *n, const struct connector *connector, enum place was,
                   struct node *node)
{
    uint64_t parent = nodes_id(n, node_place_dir(n, was));
    struct departing *d = calloc(1, sizeof *d);
    if (d == NULL) {
        notify_deleted(n->notify, parent, 0, connector->id);
        return;
    }
    d->place = was;
    d->node = node;
    snprintf(d->id, sizeof d->id, "%s", connector->id);
    LIST_INSERT_HEAD(&n->departing, d, others);
    check_invariants(d);
    char path[sizeof NODE_ARCHIVED_NAME + 1 + UUID_LEN];
    snprintf(path, sizeof path, "%s%s", was == PLACE_ARCHIVED ? NODE_ARCHIVED_NAME "/" : "",
             connector->id);
    notify_removed(n->notify, parent, node != NULL ? nodes_id(n, node) : 0, connector->id, path);
}

void departing_forget(struct nodes *n, const struct node *node)
{
    if (node->kind != NODE_CONNECTOR)
        return;
    for (struct departing *d = LIST_FIRST(&n->departing); d != NULL; d = LIST_NEXT(d, others))
        if (d->node == node)
            d->node = NULL;
}

void departing_free_all(struct nodes *n)
{
    struct departing *d;
    while ((d = LIST_FIRST(&n->departing)) != NULL) {
        LIST_REMOVE(d, others);
        free(d);
    }
}

static struct departing *find(struct nodes *n, const struct node *dir, const char *name)
{
    struct departing *d = LIST_FIRST(&n->departing);
    while (d != NULL && (d->place != node_dir_place(dir) || strcmp(d->id, name) != 0))
        d = LIST_NEXT(d, others);
    return d;
}

/* The program needs a directory to remove, though the kernel knows none: one without a name. */
static int make_known(struct nodes *n, struct departing *d)
{
    struct connector *connector = connectors_find(catalogue_connectors(n->catalogue), d->id);
    if (connector == NULL)
        return -ENOENT;
    struct node *node = node_new(n, NODE_CONNECTOR, connector);
    if (node == NULL)
        return -ENOENT;
    node->attached = false;
    node->ino = view_connector_ino(connector->id);
    d->node = node;
    return 0;
}

int nodes_lookup_departing(struct nodes *n, struct node *dir, const char *name, struct node **out)
{
    if (node_is_root(dir) && strcmp(name, NODE_ARCHIVED_NAME) == 0) {
        *out = &n->archived;
        return 0;
    }
    struct departing *d = find(n, dir, name);
    if (d == NULL)
        return -ENOENT;
    if (d->node == NULL) {
        int err = make_known(n, d);
        if (err < 0)
            return err;
    }
    check_invariants(d);
    *out = d->node;
    d->node->lookups++;
    return 0;
}

int nodes_remove_departing(struct nodes *n, struct node *dir, const char *name)
{
    struct departing *d = find(n, dir, name);
    if (d == NULL)
        return -ENOENT;
    check_invariants(d);
    LIST_REMOVE(d, others);
    free(d);
    return 0;
}
