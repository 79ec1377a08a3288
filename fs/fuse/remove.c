#include "remove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"
#include "bigdatafs/inode/departing.h"
#include "bigdatafs/inode/hide.h"
#include "bigdatafs/inode/id.h"
#include "bigdatafs/inode/node.h"
#include "delete.h"

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

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct context *c = context_of(req);
    struct node *dir = nodes_from_id(c->nodes, parent);
    int err = node_is_inside_connector(dir) ? nodes_hide(c->nodes, dir, name, false) : -EPERM;
    fuse_reply_err(req, -err);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct context *c = context_of(req);
    struct node *dir = nodes_from_id(c->nodes, parent);
    struct connector *connector = node_is_root(dir) ? active_connector(c, name) : NULL;
    if (context_is_own(
            req)) /* the removal of a name that is gone is never the service's business */
        fuse_reply_err(req, -nodes_remove_departing(c->nodes, dir, name));
    else if (node_is_inside_connector(dir))
        fuse_reply_err(req, -nodes_hide(c->nodes, dir, name, true));
    else if (connector != NULL)
        archive_and_park(req, connector, FATE_RMDIR);
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
