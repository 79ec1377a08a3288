#include "bigdatafs/inode/hide.h"

#include <errno.h>
#include <stdlib.h>

#include "bigdatafs/connector/tree.h"
#include "bigdatafs/inode/forget.h"
#include "bigdatafs/inode/lookup.h"
#include "life.h"
#include "list.h"

/* A connector with hidden names, in the order in which they come back. */
struct hiding {
    TAILQ_ENTRY(hiding) link;
    struct connector *connector; /* pinned */
    uint64_t until_ms;           /* of loop_now */
    pid_t by;                    /* who hid the last name */
};

static bool hides(const struct node *dir)
{
    return dir->control_hidden || (dir->view != NULL && dir->view->any_hidden);
}

/* Whether a directory shows a child; its view has its tree. */
static bool shows_child(const struct node *dir)
{
    const struct view *v = dir->view;
    const struct entry *d = &v->tree->entries[dir->entry];
    for (uint32_t i = d->first; i < d->first + d->count; i++)
        if ((v->marks[i] & VIEW_HIDDEN) == 0)
            return true;
    return false;
}

static void set_timer(struct nodes *n)
{
    const struct hiding *next = TAILQ_FIRST(&n->hidings);
    uint64_t now = loop_now(n->loop);
    if (next == NULL)
        loop_timer_clear(&n->unhide);
    else
        loop_timer_set(n->loop, &n->unhide, next->until_ms > now ? next->until_ms - now : 0);
}

static void hiding_free(struct nodes *n, struct hiding *h)
{
    TAILQ_REMOVE(&n->hidings, h, link);
    h->connector->pins--;
    free(h);
}

static void on_unhide_due(void *arg)
{
    struct nodes *n = arg;
    struct hiding *h;
    while ((h = TAILQ_FIRST(&n->hidings)) != NULL && h->until_ms <= loop_now(n->loop)) {
        nodes_unhide(n, h->connector);
        hiding_free(n, h);
    }
    set_timer(n);
}

/* The connector's record, if one of its names is hidden already: mostly the newest, since rm -r
 * works on one connector at a time. */
static struct hiding *find(struct nodes *n, const struct connector *connector)
{
    if (connector->dir == NULL || !hides(connector->dir))
        return NULL;
    struct hiding *h = TAILQ_LAST(&n->hidings, hidings);
    while (h != NULL && h->connector != connector)
        h = TAILQ_PREV(h, hidings, link);
    return h;
}

/* Another of the connector's names is about to be hidden. */
static int note_hiding(struct nodes *n, struct connector *connector, pid_t by)
{
    struct hiding *h = find(n, connector);
    if (h != NULL) {
        TAILQ_REMOVE(&n->hidings, h, link);
    } else {
        h = calloc(1, sizeof *h);
        if (h == NULL)
            return -ENOMEM;
        h->connector = connector;
        connector->pins++;
    }
    h->until_ms = loop_now(n->loop) + HIDE_MS;
    h->by = by;
    TAILQ_INSERT_TAIL(&n->hidings, h, link);
    set_timer(n);
    return 0;
}

/* Why the node cannot go by that name, or 0. */
static int check(const struct node *node, bool is_dir)
{
    if (is_dir && !node_is_dir(node))
        return -ENOTDIR;
    if (!is_dir && node_is_dir(node))
        return -EISDIR;
    if (!is_dir)
        return 0;
    int err = view_open(node->view);
    return err < 0 ? err : shows_child(node) ? -ENOTEMPTY : 0;
}

int nodes_hide(struct nodes *n, struct node *dir, const char *name, bool is_dir, pid_t by)
{
    struct node *node;
    int err = nodes_lookup(n, dir, name, &node);
    if (err < 0)
        return err;
    err = check(node, is_dir);
    if (err == 0)
        err = note_hiding(n, dir->connector, by);
    if (err == 0 && node->kind == NODE_CONTROL) {
        dir->control_hidden = true;
    } else if (err == 0) {
        dir->view->marks[node->entry] |= VIEW_HIDDEN;
        dir->view->any_hidden = true;
    }
    if (err == 0)
        node_detach(node);
    nodes_forget(n, node, 1);
    return err;
}

void nodes_unhide(struct nodes *n, struct connector *connector)
{
    struct node *dir = connector->dir;
    if (dir == NULL || !hides(dir))
        return;
    dir->control_hidden = false;
    node_relist(n, dir);
    struct view *v = dir->view;
    if (v == NULL)
        return;
    v->any_hidden = false;
    for (uint32_t i = 0; i < v->count; i++) {
        v->marks[i] &= (uint8_t)~VIEW_HIDDEN;
        if (v->nodes[i] != NULL && node_is_dir(v->nodes[i]))
            node_relist(n, v->nodes[i]);
    }
}

pid_t nodes_hidden_by(struct nodes *n, const struct connector *connector)
{
    const struct hiding *h = find(n, connector);
    return h != NULL ? h->by : 0;
}

bool nodes_shows_name(struct nodes *n, const struct connector *connector)
{
    struct node *dir = connector->dir;
    if (dir == NULL || !dir->control_hidden || dir->view == NULL)
        return true;
    return node_open_view(n, dir) < 0 || shows_child(dir);
}

void hide_init(struct nodes *n)
{
    TAILQ_INIT(&n->hidings);
    loop_timer_init(&n->unhide, on_unhide_due, n);
}

void hide_end(struct nodes *n)
{
    while (!TAILQ_EMPTY(&n->hidings))
        hiding_free(n, TAILQ_FIRST(&n->hidings));
    loop_timer_clear(&n->unhide);
}
