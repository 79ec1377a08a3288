#include "write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/sentence.h"
#include "bigdatafs/inode/about_dir.h"
#include "bigdatafs/inode/command.h"
#include "bigdatafs/inode/control_file.h"
#include "bigdatafs/inode/id.h"
#include "bigdatafs/inode/node.h"
#include "delete.h"

/* The bytes of one write(2). */
struct written {
    const char *data;
    size_t size;
    off_t offset;
};

/* The kernel put what is written into its page cache before it asked. Of what is refused it keeps
 * the bytes that came through a mapping, and those that others have mapped: it is told to drop
 * them, after the reply, since it holds the pages until then. */
static void refuse_write(fuse_req_t req, fuse_ino_t ino, int err)
{
    struct context *c = context_of(req);
    fuse_reply_err(req, -err);
    notify_inode(c->notify, ino, true);
}

/* Shared mappings */

static const char *operation_of(const struct node *node)
{
    switch (node_command(node)) {
    case NODE_COMMAND_FORCE_DELETE:
        return request_op_name(REQUEST_FORCE_DELETE);
    case NODE_COMMAND_BULK:
        return request_op_name(nodes_bulk(node)->op);
    case NODE_COMMAND_REFRESH:
        return "list";
    case NODE_COMMAND_NONE:
        break;
    }
    return "write";
}

/* What comes from the page cache was stored through a mapping some time ago. Nobody waits for it,
 * and the kernel sends it as nobody's: it asks for nothing. */
static void refuse_mapped(fuse_req_t req, fuse_ino_t ino, const struct node *node)
{
    struct context *c = context_of(req);
    const struct connector *connector = node_connector(node);
    struct journal_note note = {.operation = operation_of(node),
                                .id = connector != NULL ? connector->id : "",
                                .err = -EPERM,
                                .reason = "a store through a shared mapping: nothing was sent",
                                .hint = "use write(2), as echo, printf and cp do"};
    journal_add(c->journal, &note);
    log_info(c->log, "%s refused: %s", note.operation, note.reason);
    refuse_write(req, ino, -EPERM);
}

/* refresh */

static void refresh_ended(struct parked *p, int err)
{
    parked_end_write(p, err, p->refresh.size);
}

static void refresh_and_park(fuse_req_t req, size_t size)
{
    struct context *c = context_of(req);
    struct parked *p = park(req, PARKED_REFRESH, refresh_ended);
    if (p == NULL)
        return;
    p->refresh.size = size;
    p->waiter.fresh_only = true;
    catalogue_refresh(c->catalogue, &p->waiter);
    parked_allow_interrupt(p);
}

/* archive and force_delete of .bigdatafs */

static void bulk_ended(struct parked *p, int err)
{
    struct context *c = p->context;
    fuse_ino_t ino = p->bulk.node;
    struct node *node = nodes_from_id(c->nodes, ino);
    if (err == 0)
        nodes_bulk_written(c->nodes, node, &p->bulk.lines, &p->bulk.who);
    else
        nodes_bulk_note_unfinished(c->nodes, node, &p->bulk.lines);
    parked_end_write(p, err, p->bulk.size);
    if (err < 0)
        notify_inode(c->notify, ino, true); /* as refuse_write */
}

static void on_bulk_done(void *arg, int err)
{
    struct parked *p = arg;
    p->bulk.bulk = NULL;
    parked_settle(p, err);
}

static void refuse_bulk(struct context *c, const char *name, const struct bulk_request *request,
                        int err)
{
    char reason[SENTENCE_MAX];
    if (err == -EINVAL)
        snprintf(reason, sizeof reason,
                 "line %zu of this write is no connector id: nothing of it was sent",
                 request->count + 1);
    else
        snprintf(reason, sizeof reason, "%s: nothing was sent", strerror(-err));
    struct journal_note note = {.operation = request_op_name(request->op),
                                .id = "",
                                .who = &request->who,
                                .err = err,
                                .reason = reason};
    journal_add(c->journal, &note);
    log_warning(c->log, NODE_ABOUT_NAME "/%s: %s", name, reason);
}

static void bulk_and_park(fuse_req_t req, fuse_ino_t ino, const struct written *w)
{
    struct context *c = context_of(req);
    struct node *node = nodes_from_id(c->nodes, ino);
    const struct bulk_file *file = nodes_bulk(node);
    struct parked *p = park(req, PARKED_BULK, bulk_ended);
    if (p == NULL)
        return;
    struct bulk_request request = {
        .op = file->op, .who = context_requester(req), .done = on_bulk_done, .arg = p};
    p->bulk = (struct parked_bulk){
        .node = ino, .size = w->size, .lines = file->lines, .who = request.who};
    nodes_bulk_give_up(node);
    struct command_text text = {.offset = (uint64_t)w->offset, .len = w->size, .text = w->data};
    int err = command_ids(&p->bulk.lines, &text, &request.ids, &request.count);
    if (err < 0)
        refuse_bulk(c, file->name, &request, err);
    else
        err = bulk_start(c->bulks, &request, &p->bulk.bulk);
    if (err < 0)
        bulk_ended(p, err);
    else
        parked_allow_interrupt(p);
}

static void on_last_line_done(void *arg, int err)
{
    (void)arg, (void)err; /* nobody waits: what failed is in the journal */
}

/* The file was closed behind an id without its newline: it is deleted as it was written. */
static void on_bulk_closed(void *arg, const struct bulk_file *file, const char *id)
{
    struct context *c = arg;
    struct bulk *bulk;
    struct bulk_request request = {.op = file->op,
                                   .ids = malloc(sizeof *request.ids),
                                   .count = 1,
                                   .who = file->who,
                                   .done = on_last_line_done};
    int err = -ENOMEM;
    if (request.ids != NULL) {
        memcpy(request.ids[0], id, UUID_SIZE);
        err = bulk_start(c->bulks, &request, &bulk);
    }
    if (err < 0)
        refuse_bulk(c, file->name, &request, err);
}

void write_init(struct context *c)
{
    struct bulk_closed closed = {.done = on_bulk_closed, .arg = c};
    nodes_on_bulk_closed(c->nodes, &closed);
}

/* .force_delete of a connector */

static void force_delete_ended(struct parked *p, int err)
{
    nodes_renew_control(p->context->nodes, p->deletion.connector);
    parked_end_write(p, err, p->deletion.size);
}

/* A word that .force_delete does not take, or a connector that is gone. */
static void refuse_force_delete(fuse_req_t req, fuse_ino_t ino, struct connector *connector,
                                int err)
{
    struct context *c = context_of(req);
    struct requester who = context_requester(req);
    char label[SNAPSHOT_LABEL_SIZE];
    int unlabelled = snapshot_label(connector->snapshot, label);
    (void)unlabelled; /* then the id alone tells which it is */
    struct journal_note note = {.operation = request_op_name(REQUEST_FORCE_DELETE),
                                .id = connector->id,
                                .label = label,
                                .who = &who,
                                .err = err,
                                .reason = "the connector is gone: nothing was sent"};
    if (err == -EINVAL) {
        note.reason = "not a word that .force_delete takes: nothing was sent";
        note.hint = c->confirm_id
                        ? "with -o confirm=id write the connector's own id, at the file's start"
                        : "write 1, true, yes, delete or the connector's id, at the file's start";
    }
    journal_add(c->journal, &note);
    log_info(c->log, "hard delete of %s refused: %s", connector->id, note.reason);
    nodes_renew_control(c->nodes, connector);
    refuse_write(req, ino, err);
}

static void force_delete_and_park(fuse_req_t req, fuse_ino_t ino, const struct written *w)
{
    struct context *c = context_of(req);
    struct connector *connector = node_connector(nodes_from_id(c->nodes, ino));
    int err = w->offset != 0 ? -EINVAL
                             : command_force_delete(w->data, w->size, connector->id, c->confirm_id);
    if (err == 0 && !connector_exists(connector))
        err = -ENOENT;
    if (err < 0) {
        refuse_force_delete(req, ino, connector, err);
    } else if (connector->progress == PROGRESS_DELETING) {
        nodes_renew_control(c->nodes, connector);
        fuse_reply_write(req, w->size);
    } else {
        struct parked_deletion asked = {.connector = connector, .size = w->size};
        delete_and_park(req, REQUEST_FORCE_DELETE, &asked, force_delete_ended);
    }
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi)
{
    const struct node *node = nodes_from_id(context_of(req)->nodes, ino);
    struct written w = {.data = data, .size = size, .offset = offset};
    if (fi->writepage) {
        refuse_mapped(req, ino, node);
        return;
    }
    switch (node_command(node)) {
    case NODE_COMMAND_NONE:
        refuse_write(req, ino, -EPERM);
        break;
    case NODE_COMMAND_REFRESH:
        refresh_and_park(req, size);
        break;
    case NODE_COMMAND_BULK:
        bulk_and_park(req, ino, &w);
        break;
    case NODE_COMMAND_FORCE_DELETE:
        force_delete_and_park(req, ino, &w);
        break;
    }
}
