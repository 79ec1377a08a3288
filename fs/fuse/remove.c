#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bigdatafs/base/request.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/inode/control.h"
#include "park.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

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
static void delete_and_park(fuse_req_t req, enum request_op op, struct connector *connector,
                            enum node_fate fate, parked_fn *resume, size_t size)
{
    struct session *o = session_of(req);
    struct parked *p = park(req, resume);
    if (p == NULL)
        return;
    struct deletion_request request = {.op = op,
                                       .connector = connector,
                                       .who = requester_of_request(req),
                                       .done = on_deletion_done,
                                       .arg = p};
    if (fate != FATE_NOTIFY)
        parked_lock(p, NOTIFY_REMOVAL,
                    connector->dir != NULL ? nodes_id(o->c.nodes, connector->dir) : 0);
    p->connector = connector;
    p->size = size;
    connector->pins++;
    int err = deletion_start(o->c.deletions, &request, &p->deletion);
    if (err < 0) {
        resume(p, err);
        return;
    }
    p->fate = fate;
    if (fate != FATE_NOTIFY)
        nodes_set_fate(connector, fate);
    parked_allow_interrupt(p);
}

/* rmdir and rename: the end of an archive. */
static void archive_ended(struct parked *p, int err)
{
    struct nodes *nodes = p->session->c.nodes;
    if (err == 0 && p->fate == FATE_MOVE && p->connector->place != PLACE_ARCHIVED)
        err = -ENOENT; /* it is gone: a name in .archived would lead nowhere */
    if (err < 0) {
        nodes_unhide(nodes, p->connector);
        nodes_not_removed(nodes, p->connector);
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
    nodes_renew_control(p->session->c.nodes, p->connector);
    parked_end(p);
}

static struct connector *active_connector(struct session *o, const char *name)
{
    struct connector *connector = connectors_find(catalogue_connectors(o->c.catalogue), name);
    return connector != NULL && connector->place == PLACE_ACTIVE ? connector : NULL;
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct session *o = session_of(req);
    struct node *dir = nodes_from_id(o->c.nodes, parent);
    int err = -EPERM;
    if (dir->kind == NODE_CONNECTOR || dir->kind == NODE_DIR)
        err = nodes_hide(o->c.nodes, dir, name, false);
    fuse_reply_err(req, -err);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct session *o = session_of(req);
    struct node *dir = nodes_from_id(o->c.nodes, parent);
    if (session_is_own(
            req)) { /* notify.c removes a name that is gone: never the service's business */
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
    struct connector *connector = active_connector(o, name);
    if (connector == NULL)
        fuse_reply_err(req, uuid_is_valid(name) ? ENOENT : EPERM);
    else
        delete_and_park(req, REQUEST_ARCHIVE, connector, FATE_RMDIR, archive_ended, 0);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct session *o = session_of(req);
    struct node *dir = nodes_from_id(o->c.nodes, parent);
    struct node *new_dir = nodes_from_id(o->c.nodes, new_parent);
    struct connector *connector = dir->kind == NODE_ROOT ? active_connector(o, name) : NULL;
    if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
        fuse_reply_err(req, EINVAL);
    else if (connector == NULL || new_dir->kind != NODE_ARCHIVED || strcmp(name, new_name) != 0)
        fuse_reply_err(req, EPERM); /* never EXDEV: mv would copy and then remove */
    else
        delete_and_park(req, REQUEST_ARCHIVE, connector, FATE_MOVE, archive_ended, 0);
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
    struct session *o = session_of(req);
    struct parked *p = park(req, refresh_ended);
    if (p == NULL)
        return;
    p->size = size;
    p->waiter.fresh_only = true;
    catalogue_refresh(o->c.catalogue, &p->waiter);
    parked_allow_interrupt(p);
}

static void bulk_ended(struct parked *p, int err)
{
    if (err < 0) {
        fuse_reply_err(p->req, -err);
    } else {
        nodes_bulk_written(p->session->c.nodes, nodes_from_id(p->session->c.nodes, p->node),
                           &p->lines);
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

static void refuse_bulk(struct session *o, enum request_op op, const struct requester *who, int err,
                        size_t good_lines)
{
    char reason[128];
    if (err == -EINVAL)
        snprintf(reason, sizeof reason,
                 "line %zu of this write is no connector id: nothing of it was sent",
                 good_lines + 1);
    else
        snprintf(reason, sizeof reason, "%s: nothing was sent", strerror(-err));
    struct journal_note note = {
        .operation = request_op_name(op), .id = "", .who = who, .err = err, .reason = reason};
    journal_add(o->c.journal, &note);
    log_warning(o->c.log, NODE_ABOUT_NAME "/%s: %s",
                op == REQUEST_ARCHIVE ? NODE_BULK_ARCHIVE_NAME : NODE_BULK_FORCE_DELETE_NAME,
                reason);
}

/* A write to archive or force_delete of .bigdatafs. */
static void bulk_and_park(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
                          off_t offset)
{
    struct session *o = session_of(req);
    struct node *node = nodes_from_id(o->c.nodes, ino);
    struct parked *p = park(req, bulk_ended);
    if (p == NULL)
        return;
    struct bulk_request request = {
        .op = node->entry, .who = requester_of_request(req), .done = on_bulk_done, .arg = p};
    p->node = ino;
    p->size = size;
    p->lines = *node->lines;
    int err = control_ids(&p->lines, (uint64_t)offset, data, size, &request.ids, &request.count);
    if (err < 0)
        refuse_bulk(o, request.op, &request.who, err, request.count);
    else
        err = bulk_start(o->c.bulks, &request, &p->bulk);
    if (err < 0)
        bulk_ended(p, err);
    else
        parked_allow_interrupt(p);
}

/* A word that .force_delete does not take, or a connector that is gone. */
static void refuse_force_delete(fuse_req_t req, struct connector *connector, int err)
{
    struct session *o = session_of(req);
    struct requester who = requester_of_request(req);
    struct journal_note note = {.operation = "hard delete",
                                .id = connector->id,
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
    journal_add(o->c.journal, &note);
    log_info(o->c.log, "hard delete of %s refused: %s", connector->id, note.reason);
    fuse_reply_err(req, -err);
    nodes_renew_control(o->c.nodes, connector);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi)
{
    (void)fi;
    struct session *o = session_of(req);
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
    struct connector *connector = node->connector;
    int err =
        offset != 0 ? -EINVAL : control_force_delete(data, size, connector->id, o->c.confirm_id);
    if (err == 0 && !connector_exists(connector))
        err = -ENOENT;
    if (err < 0) {
        refuse_force_delete(req, connector, err);
    } else if (connector_is_being_deleted(connector)) {
        fuse_reply_write(req, size);
        nodes_renew_control(o->c.nodes, connector);
    } else {
        delete_and_park(req, REQUEST_FORCE_DELETE, connector, FATE_NOTIFY, force_delete_ended,
                        size);
    }
}
