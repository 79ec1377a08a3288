#include "node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/connector/tree.h"

struct node *nodes_from_id(struct nodes *n, uint64_t id)
{
    return id == NOTIFY_ROOT_ID ? &n->root : (struct node *)(uintptr_t)id;
}

uint64_t nodes_id(const struct nodes *n, const struct node *node)
{
    return node == &n->root ? NOTIFY_ROOT_ID : (uint64_t)(uintptr_t)node;
}

struct node *node_place_dir(struct nodes *n, enum place place)
{
    return place == PLACE_ARCHIVED ? &n->archived : &n->root;
}

enum place node_dir_place(const struct node *dir)
{
    return dir->kind == NODE_ARCHIVED ? PLACE_ARCHIVED : PLACE_ACTIVE;
}

static struct node *node_new(struct nodes *n, enum node_kind kind, struct connector *connector)
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

/* Nobody can go on with what was written: it is closed. */
static void report_unfinished(const struct nodes *n, const struct node *node)
{
    static const char reason[] = "the last line is no connector id: nothing was sent for it";
    struct journal_note note = {
        .operation = request_op_name(node->entry), .id = "", .err = -EINVAL, .reason = reason};
    journal_add(n->journal, &note);
    log_warning(n->log, NODE_ABOUT_NAME "/%s: %s", node_bulk_name(node->entry), reason);
}

/* Lets go of what the node has. */
static void node_end(void *arg, struct node *node)
{
    const struct nodes *n = arg;
    view_unref(node->view);
    if (node->connector != NULL)
        node->connector->pins--;
    if (node->kind == NODE_REPORT) {
        free(node->report->text);
        free(node->report);
    } else if (node->kind == NODE_BULK) {
        if (command_is_unfinished(node->lines))
            report_unfinished(n, node);
        free(node->lines);
    }
}

static void node_free(struct nodes *n, struct node *node)
{
    node_end(n, node);
    pool_put(&n->pool, node);
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

static void forget_departing(struct nodes *n, const struct node *node)
{
    for (struct departing *d = n->departing; d != NULL; d = d->next)
        if (d->node == node)
            d->node = NULL;
}

void nodes_forget(struct nodes *n, struct node *node, uint64_t lookups)
{
    if (node->kind == NODE_ROOT || node->kind == NODE_ARCHIVED || node->kind == NODE_ABOUT ||
        node->kind == NODE_REFRESH)
        return;
    node->lookups = lookups < node->lookups ? node->lookups - lookups : 0;
    if (node->lookups > 0)
        return;
    node_detach(node);
    forget_departing(n, node);
    node_free(n, node);
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

int node_of_control(struct nodes *n, struct node *dir, struct node **out)
{
    if (dir->control_hidden)
        return -ENOENT;
    if (dir->control == NULL) {
        struct node *node = node_new(n, NODE_CONTROL, dir->connector);
        if (node == NULL)
            return -ENOMEM;
        node->state = dir->connector->progress;
        node->ino = hash_bytes(NODE_CONTROL_NAME, sizeof NODE_CONTROL_NAME, dir->ino);
        dir->control = node;
    }
    *out = dir->control;
    return 0;
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

int node_of_report(struct nodes *n, uint32_t file, struct node **out)
{
    struct buf text;
    buf_init(&text, NODE_REPORT_MAX);
    struct report *report = calloc(1, sizeof *report);
    int err = report == NULL ? -ENOMEM : n->reports.render(n->reports.arg, file, &text);
    struct node *node = err == 0 ? node_new(n, NODE_REPORT, NULL) : NULL;
    if (node == NULL) {
        buf_free(&text);
        free(report);
        return err < 0 ? err : -ENOMEM;
    }
    report->text = buf_steal(&text, &report->len);
    node->report = report;
    node->entry = file;
    node->ino = FIRST_REPORT_INO + file;
    *out = node;
    return 0;
}

const char *node_bulk_name(uint32_t op)
{
    return op == REQUEST_ARCHIVE ? NODE_BULK_ARCHIVE_NAME : NODE_BULK_FORCE_DELETE_NAME;
}

static int node_of_bulk(struct nodes *n, uint32_t op, struct node **out)
{
    struct command_lines *lines = calloc(1, sizeof *lines);
    struct node *node = lines != NULL ? node_new(n, NODE_BULK, NULL) : NULL;
    if (node == NULL) {
        free(lines);
        return -ENOMEM;
    }
    node->lines = lines;
    node->entry = op;
    node->ino = FIRST_BULK_INO + op;
    *out = node;
    return 0;
}

void nodes_bulk_written(struct nodes *n, struct node *node, const struct command_lines *lines)
{
    *node->lines = *lines;
    /* Without its name the kernel forgets the node as soon as it is closed. */
    if (command_is_unfinished(lines))
        notify_name(n->notify, nodes_id(n, &n->about_dir), node_bulk_name(node->entry));
}

static int lookup_about(struct nodes *n, const char *name, struct node **out)
{
    if (strcmp(name, NODE_REFRESH_NAME) == 0) {
        *out = &n->refresh;
        return 0;
    }
    for (uint32_t op = 0; op < BULK_FILES; op++)
        if (strcmp(name, node_bulk_name(op)) == 0)
            return node_of_bulk(n, op, out);
    for (uint32_t i = 0; i < n->reports.count; i++)
        if (strcmp(name, n->reports.name(i)) == 0)
            return node_of_report(n, i, out);
    return -ENOENT;
}

static int lookup_inside(struct nodes *n, struct node *dir, const char *name, struct node **out)
{
    if (!dir->attached)
        return -ENOENT; /* its connector is gone, or is elsewhere now */
    if (dir->kind == NODE_CONNECTOR && strcmp(name, NODE_CONTROL_NAME) == 0)
        return node_of_control(n, dir, out);
    int err = node_open_view(n, dir);
    if (err < 0)
        return err;
    int entry = tree_find(dir->view->tree, dir->entry, name, strlen(name));
    return entry < 0 ? entry : node_of_entry(n, dir, (uint32_t)entry, out);
}

static int lookup_connector(struct nodes *n, struct node *dir, const char *name, struct node **out)
{
    if (dir->kind == NODE_ROOT && strcmp(name, NODE_ARCHIVED_NAME) == 0) {
        *out = &n->archived;
        return 0;
    }
    if (dir->kind == NODE_ROOT && strcmp(name, NODE_ABOUT_NAME) == 0) {
        *out = &n->about_dir;
        return 0;
    }
    struct connector *connector = connectors_find(catalogue_connectors(n->catalogue), name);
    if (connector == NULL || connector->place != node_dir_place(dir))
        return -ENOENT;
    return node_of_connector(n, connector, out);
}

struct node *node_of_departed(struct nodes *n, struct connector *connector)
{
    struct node *node = node_new(n, NODE_CONNECTOR, connector);
    if (node == NULL)
        return NULL;
    node->attached = false;
    node->ino = view_connector_ino(connector->id);
    return node;
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
        err = lookup_about(n, name, out);
        break;
    default:
        err = -ENOTDIR;
    }
    if (err == 0)
        (*out)->lookups++;
    return err;
}

/* Hiding */

int nodes_hide(struct nodes *n, struct node *dir, const char *name, bool is_dir)
{
    struct node *node;
    int err = nodes_lookup(n, dir, name, &node);
    if (err < 0)
        return err;
    if (is_dir && node->kind != NODE_DIR)
        err = -ENOTDIR;
    else if (!is_dir && node->kind == NODE_DIR)
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
    if (dir == NULL || !(dir->control_hidden || (dir->view && dir->view->any_hidden)))
        return;
    dir->control_hidden = false;
    node_relist(n, dir);
    struct view *v = dir->view;
    if (v == NULL)
        return;
    v->any_hidden = false;
    for (uint32_t i = 0; i < v->count; i++) {
        v->marks[i] &= (uint8_t)~VIEW_HIDDEN;
        if (v->nodes[i] != NULL && v->nodes[i]->kind == NODE_DIR)
            node_relist(n, v->nodes[i]);
    }
}

void nodes_can_expire(struct nodes *n, bool can)
{
    n->can_expire = can;
}

void nodes_free(struct nodes *n)
{
    if (n == NULL)
        return;
    node_wake_polls(n, NULL);
    loop_timer_clear(&n->expiry);
    while (n->departing != NULL) {
        struct departing *next = n->departing->next;
        free(n->departing);
        n->departing = next;
    }
    pool_free(&n->pool, node_end, n);
    free(n);
}

void nodes_set_reports(struct nodes *n, const struct node_reports *reports)
{
    n->reports = *reports;
}

int nodes_new(const struct nodes_parts *parts, const struct node_options *options,
              struct nodes **out)
{
    struct nodes *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    n->loop = parts->loop;
    n->catalogue = parts->catalogue;
    n->notify = parts->notify;
    n->log = parts->log;
    n->journal = parts->journal;
    n->options = *options;
    n->trees.bytes_max = VIEW_TREES_BYTES;
    n->root = (struct node){.kind = NODE_ROOT, .attached = true, .ino = NOTIFY_ROOT_ID};
    n->archived = (struct node){.kind = NODE_ARCHIVED, .attached = true, .ino = ARCHIVED_INO};
    n->about_dir = (struct node){.kind = NODE_ABOUT, .attached = true, .ino = ABOUT_INO};
    n->refresh = (struct node){.kind = NODE_REFRESH, .attached = true, .ino = REFRESH_INO};
    clock_gettime(CLOCK_REALTIME, &n->changed[PLACE_ACTIVE]);
    n->changed[PLACE_NONE] = n->changed[PLACE_ARCHIVED] = n->changed[PLACE_ACTIVE];
    loop_timer_init(&n->expiry, node_on_expiry, n);
    struct catalogue_observer observer = {.changed = node_on_changed,
                                          .progress = node_on_progress,
                                          .refreshed = node_on_refreshed,
                                          .arg = n};
    catalogue_observe(n->catalogue, &observer);
    if (catalogue_state(n->catalogue).loaded)
        node_on_refreshed(n);
    *out = n;
    return 0;
}
