#include "remove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"
#include "bigdatafs/inode/departing.h"
#include "bigdatafs/inode/hide.h"
#include "bigdatafs/inode/id.h"
#include "bigdatafs/inode/node.h"
#include "caller.h"
#include "delete.h"
#include "words.h"

static struct connector *active_connector(struct context *c, const char *name)
{
    struct connector *connector = connectors_find(catalogue_connectors(c->catalogue), name);
    return connector != NULL && connector->place == PLACE_ACTIVE ? connector : NULL;
}

/* The end of an archive. */
static void archive_ended(struct parked *p, int err)
{
    struct nodes *nodes = p->context->nodes;
    const struct parked_deletion *d = &p->deletion;
    if (err == 0 && d->fate == FATE_MOVE && d->connector->place != PLACE_ARCHIVED)
        err = -ENOENT; /* it is gone: a name in .archived would lead nowhere */
    if (err < 0) {
        nodes_unhide(nodes, d->connector);
        nodes_not_removed(nodes, d->connector);
    }
    parked_end_with(p, err);
}

static void archive_and_park(fuse_req_t req, struct connector *connector, enum node_fate fate)
{
    struct parked_deletion asked = {.connector = connector, .fate = fate};
    delete_and_park(req, REQUEST_ARCHIVE, &asked, archive_ended);
}

/* rmdir of a connector that still shows a name. What was unlinked comes back: who unlinked the rest
 * has thought better of it. */
static void refuse_rmdir(struct context *c, struct connector *connector, const char *caller)
{
    log_debug(c->log, "rmdir of %s by %s: it is not empty, nothing was sent", connector->id,
              caller[0] != '\0' ? caller : "a program that cannot be seen");
    nodes_unhide(c->nodes, connector);
}

/* The caller is known: 0, or -ENOTEMPTY for one that relies on it. */
static void resume_rmdir(struct parked *p, int err)
{
    struct context *c = p->context;
    struct connector *connector = p->rmdir.connector;
    fuse_req_t req = p->req;
    if (err == 0 && connector->place != PLACE_ACTIVE)
        err = -ENOENT; /* it was archived or deleted elsewhere meanwhile */
    if (err < 0) {
        refuse_rmdir(c, connector, p->rmdir.caller);
        parked_end_with(p, err);
        return;
    }
    parked_end(p);
    archive_and_park(req, connector, FATE_RMDIR);
}

/* Whether an rmdir of the connector is ENOTEMPTY. Who began to empty it relies on that, whatever
 * its name: os.removedirs, say, after a directory inside. */
static bool is_refused(fuse_req_t req, const struct connector *connector, enum caller caller)
{
    struct context *c = context_of(req);
    if (caller == CALLER_MAKES_ROOM)
        return true;
    bool asks = caller == CALLER_ASKS || c->rmdir_emptied ||
                nodes_hidden_by(c->nodes, connector) == fuse_req_ctx(req)->pid;
    return asks && nodes_shows_name(c->nodes, connector);
}

static void on_words(void *arg, const char *words, size_t len)
{
    struct parked *p = arg;
    p->rmdir.words = NULL;
    enum caller caller = caller_of(p->rmdir.caller, words, len);
    bool refused = is_refused(p->req, p->rmdir.connector, caller);
    p->resume(p, refused ? -ENOTEMPTY : 0);
}

/* The words of the command line decide: they are read before anything else is done. */
static void look_at_caller(fuse_req_t req, struct connector *connector, const struct requester *who)
{
    struct context *c = context_of(req);
    struct parked *p = park(req, PARKED_RMDIR, resume_rmdir);
    if (p == NULL)
        return;
    parked_lock(p, NOTIFY_REMOVAL, delete_id_of_directory(c, connector));
    memcpy(p->rmdir.caller, who->command, sizeof p->rmdir.caller);
    p->rmdir.connector = connector;
    connector->pins++;
    if (words_start(c->words, who->pid, on_words, p, &p->rmdir.words) < 0)
        on_words(p, "", 0);
    else
        parked_allow_interrupt(p);
}

static void rmdir_connector(fuse_req_t req, struct connector *connector)
{
    struct context *c = context_of(req);
    struct requester who = context_requester(req);
    if (caller_needs_words(who.command)) {
        look_at_caller(req, connector, &who);
    } else if (is_refused(req, connector, caller_of(who.command, "", 0))) {
        refuse_rmdir(c, connector, who.command);
        fuse_reply_err(req, ENOTEMPTY);
    } else {
        archive_and_park(req, connector, FATE_RMDIR);
    }
}

static int hide(fuse_req_t req, struct node *dir, const char *name, bool is_dir)
{
    return nodes_hide(context_of(req)->nodes, dir, name, is_dir, fuse_req_ctx(req)->pid);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct context *c = context_of(req);
    struct node *dir = nodes_from_id(c->nodes, parent);
    int err = node_is_inside_connector(dir) ? hide(req, dir, name, false) : -EPERM;
    fuse_reply_err(req, -err);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct context *c = context_of(req);
    struct node *dir = nodes_from_id(c->nodes, parent);
    struct connector *connector = node_is_root(dir) ? active_connector(c, name) : NULL;
    if (context_is_own(req)) /* the name of what is gone is never the service's business */
        fuse_reply_err(req, -nodes_remove_departing(c->nodes, dir, name));
    else if (node_is_inside_connector(dir))
        fuse_reply_err(req, -hide(req, dir, name, true));
    else if (connector != NULL)
        rmdir_connector(req, connector);
    else
        fuse_reply_err(req, node_is_root(dir) && uuid_is_valid(name) ? ENOENT : EPERM);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct context *c = context_of(req);
    const struct node *dir = nodes_from_id(c->nodes, parent);
    const struct node *new_dir = nodes_from_id(c->nodes, new_parent);
    struct connector *connector = node_is_root(dir) ? active_connector(c, name) : NULL;
    if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
        fuse_reply_err(req, EINVAL);
    else if (connector == NULL || !node_is_archived(new_dir) || strcmp(name, new_name) != 0)
        fuse_reply_err(req, EPERM); /* never EXDEV: mv would copy and then remove */
    else
        archive_and_park(req, connector, FATE_MOVE);
}
