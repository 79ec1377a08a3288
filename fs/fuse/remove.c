#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bigdatafs/inode/control.h"
#include "park.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* Who makes the request, for the audit log. */
static struct audit_who who_asks(fuse_req_t req)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct audit_who who = {.uid = ctx->uid, .gid = ctx->gid, .pid = ctx->pid};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)ctx->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return who;
    ssize_t n = read(fd, who.command, sizeof who.command - 1);
    close(fd);
    while (n > 0 && who.command[n - 1] == '\n')
        n--;
    who.command[n > 0 ? n : 0] = '\0';
    return who;
}

static void on_deletion_done(void *arg, int err)
{
    struct parked *p = arg;
    p->deletion = NULL;
    if (p->locks)
        p->resume(p, err); /* the kernel sees to the name itself, and nothing else could be sent */
    else
        parked_settle(p, err);
}

/* Starts the deletion that the request asks for and parks the request until its end. fate: what
 * becomes of the name if it succeeds while the kernel waits. size: of what was written. */
static void delete_and_park(fuse_req_t req, enum audit_op op, struct slot *slot,
                            enum node_fate fate, parked_fn *resume, size_t size)
{
    struct ops *o = ops_of(req);
    struct parked *p = ops_park(req, resume);
    if (p == NULL)
        return;
    struct audit_who who = who_asks(req);
    if (fate != FATE_NOTIFY)
        parked_lock(p, NOTIFY_REMOVAL, slot->dir != NULL ? nodes_id(o->c.nodes, slot->dir) : 0);
    p->slot = slot;
    p->size = size;
    slot->pins++;
    int err =
        deletion_start(o->c.deletions, op, slot, false, &who, on_deletion_done, p, &p->deletion);
    if (err < 0) {
        resume(p, err);
        return;
    }
    p->fate = fate;
    if (fate != FATE_NOTIFY)
        nodes_set_fate(slot, fate);
    ops_allow_interrupt(p);
}

/* rmdir and rename: the end of an archive. */
static void archive_ended(struct parked *p, int err)
{
    struct nodes *nodes = p->ops->c.nodes;
    if (err == 0 && p->fate == FATE_MOVE && p->slot->place != PLACE_ARCHIVED)
        err = -ENOENT; /* it is gone: a name in .archived would lead nowhere */
    if (err < 0) {
        nodes_unhide(nodes, p->slot);
        nodes_not_removed(nodes, p->slot);
    }
    fuse_reply_err(p->req, -err);
    parked_end(p);
}

static void force_delete_ended(struct parked *p, int err)
{
    if (err < 0)
        fuse_reply_err(p->req, -err);
    else
        fuse_reply_write(p->req, p->size);
    nodes_renew_control(p->ops->c.nodes, p->slot);
    parked_end(p);
}

static struct slot *active_slot(struct ops *o, const char *name)
{
    struct slot *slot = slots_find(catalogue_slots(o->c.catalogue), name);
    return slot != NULL && slot->place == PLACE_ACTIVE ? slot : NULL;
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct ops *o = ops_of(req);
    struct node *dir = nodes_from_id(o->c.nodes, parent);
    int err = -EPERM;
    if (dir->kind == NODE_CONNECTOR || dir->kind == NODE_DIR)
        err = nodes_hide(o->c.nodes, dir, name, false);
    fuse_reply_err(req, -err);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct ops *o = ops_of(req);
    struct node *dir = nodes_from_id(o->c.nodes, parent);
    if (ops_is_own(req)) { /* notify.c removes a name that is gone: never the service's business */
        fuse_reply_err(req, -nodes_remove_departing(o->c.nodes, dir, name));
        return;
    }
    if (dir->kind == NODE_CONNECTOR || dir->kind == NODE_DIR) {
        fuse_reply_err(req, -nodes_hide(o->c.nodes, dir, name, true));
        return;
    }
    if (dir->kind != NODE_ROOT) {
        fuse_reply_err(req, EPERM);
        return;
    }
    struct slot *slot = active_slot(o, name);
    if (slot == NULL)
        fuse_reply_err(req, name_is_uuid(name) ? ENOENT : EPERM);
    else
        delete_and_park(req, AUDIT_ARCHIVE, slot, FATE_RMDIR, archive_ended, 0);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct ops *o = ops_of(req);
    struct node *dir = nodes_from_id(o->c.nodes, parent);
    struct node *new_dir = nodes_from_id(o->c.nodes, new_parent);
    struct slot *slot = dir->kind == NODE_ROOT ? active_slot(o, name) : NULL;
    if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
        fuse_reply_err(req, EINVAL);
    else if (slot == NULL || new_dir->kind != NODE_ARCHIVED || strcmp(name, new_name) != 0)
        fuse_reply_err(req, EPERM); /* never EXDEV: mv would copy and then remove */
    else
        delete_and_park(req, AUDIT_ARCHIVE, slot, FATE_MOVE, archive_ended, 0);
}

static void refresh_ended(struct parked *p, int err)
{
    if (err < 0)
        fuse_reply_err(p->req, -err);
    else
        fuse_reply_write(p->req, p->size);
    parked_end(p);
}

static void refresh_and_park(fuse_req_t req, size_t size)
{
    struct ops *o = ops_of(req);
    struct parked *p = ops_park(req, refresh_ended);
    if (p == NULL)
        return;
    p->size = size;
    p->waiter.fresh_only = true;
    catalogue_refresh(o->c.catalogue, &p->waiter);
    ops_allow_interrupt(p);
}

static void bulk_ended(struct parked *p, int err)
{
    if (err < 0) {
        fuse_reply_err(p->req, -err);
    } else {
        nodes_bulk_written(p->ops->c.nodes, nodes_from_id(p->ops->c.nodes, p->node), &p->lines);
        fuse_reply_write(p->req, p->size);
    }
    parked_end(p);
}

static void on_bulk_done(void *arg, int err)
{
    struct parked *p = arg;
    p->bulk = NULL;
    parked_settle(p, err);
}

static void refuse_bulk(struct ops *o, enum audit_op op, const struct audit_who *who, int err,
                        size_t good_lines)
{
    char reason[128];
    if (err == -EINVAL)
        snprintf(reason, sizeof reason,
                 "line %zu of this write is no connector id: nothing of it was sent",
                 good_lines + 1);
    else
        snprintf(reason, sizeof reason, "%s: nothing was sent", strerror(-err));
    struct failure_note note = {.operation = op == AUDIT_ARCHIVE ? "archive" : "hard delete",
                                .id = "",
                                .who = who,
                                .err = err,
                                .reason = reason};
    failures_add(o->c.failures, &note);
    log_warning(o->c.log, NODE_ABOUT_NAME "/%s: %s",
                op == AUDIT_ARCHIVE ? NODE_BULK_ARCHIVE_NAME : NODE_BULK_FORCE_DELETE_NAME, reason);
}

/* A write to archive or force_delete of .bigdatafs. */
static void bulk_and_park(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
                          off_t offset)
{
    struct ops *o = ops_of(req);
    struct node *node = nodes_from_id(o->c.nodes, ino);
    enum audit_op op = node->entry;
    struct parked *p = ops_park(req, bulk_ended);
    if (p == NULL)
        return;
    control_id *ids;
    size_t count;
    struct audit_who who = who_asks(req);
    p->node = ino;
    p->size = size;
    p->lines = *node->lines;
    int err = control_ids(&p->lines, (uint64_t)offset, data, size, &ids, &count);
    if (err < 0)
        refuse_bulk(o, op, &who, err, count);
    else
        err = bulk_start(o->c.bulks, op, ids, count, &who, on_bulk_done, p, &p->bulk);
    if (err < 0)
        bulk_ended(p, err);
    else
        ops_allow_interrupt(p);
}

/* A word that .force_delete does not take, or a connector that is gone. */
static void refuse_force_delete(fuse_req_t req, struct slot *slot, int err)
{
    struct ops *o = ops_of(req);
    struct audit_who who = who_asks(req);
    struct failure_note note = {.operation = "hard delete",
                                .id = slot->id,
                                .who = &who,
                                .err = err,
                                .reason = err == -ENOENT
                                              ? "the connector is gone: nothing was sent"
                                              : "not a word that .force_delete takes: nothing was "
                                                "sent"};
    if (err == -EINVAL)
        note.hint = o->c.confirm_id
                        ? "with -o confirm=id write the connector's own id, at the file's start"
                        : "write 1, true, yes, delete or the connector's id, at the file's start";
    failures_add(o->c.failures, &note);
    log_info(o->c.log, "hard delete of %s refused: %s", slot->id, note.reason);
    fuse_reply_err(req, -err);
    nodes_renew_control(o->c.nodes, slot);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi)
{
    (void)fi;
    struct ops *o = ops_of(req);
    struct node *node = nodes_from_id(o->c.nodes, ino);
    if (node->kind == NODE_REFRESH) {
        refresh_and_park(req, size);
        return;
    }
    if (node->kind == NODE_BULK) {
        bulk_and_park(req, ino, data, size, offset);
        return;
    }
    if (node->kind != NODE_CONTROL) {
        fuse_reply_err(req, EPERM);
        return;
    }
    struct slot *slot = node->slot;
    int err = offset != 0 ? -EINVAL : control_force_delete(data, size, slot->id, o->c.confirm_id);
    if (err == 0 && slot->place == PLACE_NONE)
        err = -ENOENT;
    if (err < 0) {
        refuse_force_delete(req, slot, err);
    } else if (slot->progress == PROGRESS_DELETING || slot->progress == PROGRESS_STALLED) {
        fuse_reply_write(req, size);
        nodes_renew_control(o->c.nodes, slot);
    } else {
        delete_and_park(req, AUDIT_FORCE_DELETE, slot, FATE_NOTIFY, force_delete_ended, size);
    }
}
