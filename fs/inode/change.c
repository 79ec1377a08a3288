#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

void node_relist(struct nodes *n, const struct node *dir)
{
    notify_inode(n->notify, nodes_id(n, dir), true);
}

/* Changes */

static void retire(struct nodes *n, struct node *node, const struct node *parent)
{
    if (parent != NULL)
        notify_name(n->notify, nodes_id(n, parent), node->version->tree->entries[node->entry].name);
    node_detach(node);
}

/* The node under which the kernel finds entry's siblings. */
static const struct node *parent_of(const struct node *dir, const struct version *v, uint32_t entry)
{
    uint32_t parent = v->tree->entries[entry].parent;
    return parent == 0 ? dir : v->nodes[parent];
}

static void show(struct node *node, struct version *v, uint32_t entry)
{
    v->marks[entry] |= node->version->marks[node->entry] & VERSION_SENT;
    version_unref(node->version);
    node_show(node, v, entry);
}

/* All below the directory. Without memory for the names the kernel may keep them. */
static void retire_all(struct nodes *n, struct node *dir)
{
    struct version *v = dir->version;
    bool open = v != NULL && version_open(v) == 0;
    if (v != NULL && !open)
        log_error(n->log, "no memory: the kernel may show old data for %s", dir->slot->id);
    for (uint32_t i = v != NULL ? v->count : 0; i-- > 1;)
        if (v->nodes[i] != NULL)
            retire(n, v->nodes[i], open ? parent_of(dir, v, i) : NULL);
}

/* The directory's connector has another version: what is the same in both moves over with its
 * node, the rest is retired. Children come after their parents, so retire them from the end. */
static void adopt(struct nodes *n, struct node *dir)
{
    struct version *old = dir->version, *new;
    notify_inode(n->notify, nodes_id(n, dir), true);
    dir->control_hidden = false;
    if (old == NULL)
        return;
    int err = version_open(old);
    if (err == 0)
        err = version_new(&n->trees, dir->slot->connector, &new);
    if (err < 0) { /* nothing is better than what is not so any more */
        log_error(n->log, "the new files of %s cannot be shown: %s", dir->slot->id, strerror(-err));
        retire_all(n, dir);
        version_unref(old);
        dir->version = NULL;
        return;
    }
    for (uint32_t i = old->count; i-- > 1;) {
        struct node *node = old->nodes[i];
        if (node == NULL)
            continue;
        int to = version_find_path(old, i, new);
        bool same =
            to >= 0 && (node->kind == NODE_DIR || version_same_file(old, i, new, (uint32_t)to));
        if (!same) {
            retire(n, node, parent_of(dir, old, i));
            continue;
        }
        if (node->kind == NODE_DIR)
            notify_inode(n->notify, nodes_id(n, node), true);
        show(node, new, (uint32_t)to);
    }
    version_unref(old);
    dir->version = new;
}

void node_wake_polls(struct nodes *n, const struct slot *slot)
{
    for (unsigned i = 0; i < NODE_POLLS_MAX; i++) {
        struct poll_wait *w = &n->polls[i];
        if (w->handle == NULL || (slot != NULL && w->slot != slot))
            continue;
        fuse_lowlevel_notify_poll(w->handle);
        fuse_pollhandle_destroy(w->handle);
        w->handle = NULL;
        w->slot->pins--;
    }
}

static void depart(struct nodes *n, struct slot *slot, enum place was, struct node *node)
{
    struct departing *d = calloc(1, sizeof *d);
    char path[sizeof NODE_ARCHIVED_NAME + 1 + UUID_LEN];
    uint64_t parent = nodes_id(n, node_place_dir(n, was));
    snprintf(path, sizeof path, "%s%s", was == PLACE_ARCHIVED ? NODE_ARCHIVED_NAME "/" : "",
             slot->id);
    if (d == NULL) {
        notify_deleted(n->notify, parent, 0, slot->id);
        return;
    }
    *d = (struct departing){.next = n->departing, .place = was, .node = node};
    memcpy(d->id, slot->id, sizeof d->id);
    n->departing = d;
    notify_removed(n->notify, parent, node != NULL ? nodes_id(n, node) : 0, slot->id, path);
}

/* The name in the root or .archived is no more. Only the end of a hard delete of ours is worth the
 * full removal: it opens the mount point for a moment, which an unmount would meet as busy. */
static void drop_name(struct nodes *n, struct slot *slot, enum place was, struct node *node)
{
    bool ours = slot->progress == PROGRESS_DELETING || slot->progress == PROGRESS_STALLED;
    if (ours)
        depart(n, slot, was, node);
    else if (node != NULL)
        notify_deleted(n->notify, nodes_id(n, node_place_dir(n, was)), nodes_id(n, node), slot->id);
}

/* The connector left its place: the nodes below its directory have no names any more. */
static void detach_all(struct nodes *n, struct node *dir)
{
    retire_all(n, dir);
    if (dir->control != NULL) {
        notify_name(n->notify, nodes_id(n, dir), NODE_CONTROL_NAME);
        node_detach(dir->control);
    }
    node_detach(dir);
}

static void note_membership(struct nodes *n, enum place place)
{
    if (place == PLACE_NONE)
        return;
    clock_gettime(CLOCK_REALTIME, &n->changed[place]);
    if (n->relisted[place])
        return; /* it was told, and has not asked since */
    n->relisted[place] = true;
    node_relist(n, node_place_dir(n, place));
}

void node_on_changed(void *arg, struct slot *slot, enum place was)
{
    struct nodes *n = arg;
    struct node *dir = slot->dir;
    if (slot->place == was) {
        if (dir != NULL)
            adopt(n, dir);
        return;
    }
    note_membership(n, was);
    note_membership(n, slot->place);
    if (dir != NULL && dir->state == FATE_MOVE && slot->place == PLACE_ARCHIVED) {
        adopt(n, dir);
        return;
    }
    bool kernel_knows = dir != NULL && dir->state == FATE_RMDIR;
    if (dir != NULL)
        detach_all(n, dir);
    if (was != PLACE_NONE && !kernel_knows)
        drop_name(n, slot, was, dir);
    node_wake_polls(n, slot);
}

/* Has the kernel ask again for what the list tells of a connector; inner files cannot change
 * without a list. */
static void expire(struct nodes *n, const struct slot *slot)
{
    struct node *dir = slot->dir;
    if (dir == NULL)
        return;
    if (n->can_expire)
        notify_expire(n->notify, nodes_id(n, node_place_dir(n, slot->place)), slot->id);
    notify_inode(n->notify, nodes_id(n, dir), false);
    for (uint32_t e = 1; dir->version != NULL && e < dir->version->count; e++)
        if (dir->version->nodes[e] != NULL && dir->version->nodes[e]->kind == NODE_DIR)
            notify_inode(n->notify, nodes_id(n, dir->version->nodes[e]), false);
}

/* The list has expired: in slices, and no faster than the kernel is told. */
void node_on_expiry(void *arg)
{
    struct nodes *n = arg;
    const struct slots *slots = catalogue_slots(n->catalogue);
    uint64_t left = catalogue_ttl_left_ms(n->catalogue);
    if (left > 0) {
        n->expired = 0;
        loop_timer_set(n->loop, &n->expiry, left);
        return;
    }
    if (n->expired == 0) {
        node_relist(n, &n->root);
        node_relist(n, &n->archived);
    }
    while (n->expired < slots_count(slots)) {
        if (loop_should_yield(n->loop) || notify_is_full(n->notify)) {
            loop_timer_set(n->loop, &n->expiry, EXPIRY_PAUSE_MS);
            return;
        }
        expire(n, slots_at(slots, n->expired++));
    }
    n->expired = 0;
}

void node_on_refreshed(void *arg)
{
    struct nodes *n = arg;
    n->expired = 0;
    loop_timer_set(n->loop, &n->expiry, catalogue_ttl_left_ms(n->catalogue));
    if (!n->any_hidden)
        return;
    n->any_hidden = false;
    const struct slots *slots = catalogue_slots(n->catalogue);
    for (size_t i = 0; i < slots_count(slots); i++)
        nodes_unhide(n, slots_at(slots, i));
}

void nodes_renew_control(struct nodes *n, struct slot *slot)
{
    if (slot->dir == NULL || slot->dir->control == NULL)
        return;
    notify_name(n->notify, nodes_id(n, slot->dir), NODE_CONTROL_NAME);
    node_detach(slot->dir->control);
}

void nodes_progress(struct nodes *n, struct slot *slot)
{
    const struct node *control = slot->dir != NULL ? slot->dir->control : NULL;
    if (control != NULL &&
        strcmp(node_progress_text(control->state), node_progress_text(slot->progress)) != 0)
        nodes_renew_control(n, slot);
    node_wake_polls(n, slot);
}

unsigned nodes_poll(struct nodes *n, struct node *control, struct fuse_pollhandle *handle)
{
    const struct slot *slot = control->slot;
    if (handle != NULL) {
        struct poll_wait *w = &n->polls[n->next_poll++ % NODE_POLLS_MAX];
        if (w->handle != NULL) {
            fuse_lowlevel_notify_poll(w->handle);
            fuse_pollhandle_destroy(w->handle);
            w->slot->pins--;
        }
        *w = (struct poll_wait){.handle = handle, .slot = control->slot};
        w->slot->pins++;
    }
    if (slot->place == PLACE_NONE)
        return POLLIN | POLLPRI | POLLERR | POLLHUP;
    if (slot->progress == PROGRESS_DELETING || slot->progress == PROGRESS_STALLED)
        return 0; /* the news that is waited for is that it is gone */
    return POLLIN | POLLOUT;
}

void nodes_set_fate(struct slot *slot, enum node_fate fate)
{
    if (slot->dir != NULL)
        slot->dir->state = (uint8_t)fate;
}

void nodes_not_removed(struct nodes *n, const struct slot *slot)
{
    if (slot->place != PLACE_ACTIVE)
        notify_deleted(n->notify, nodes_id(n, &n->root), 0, slot->id);
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
        struct slot *slot = slots_find(catalogue_slots(n->catalogue), name);
        if (slot == NULL || (d->node = node_of_departed(n, slot)) == NULL)
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
