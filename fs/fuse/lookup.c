#include "lookup.h"

#include <errno.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"
#include "bigdatafs/inode/attr.h"
#include "bigdatafs/inode/departing.h"
#include "bigdatafs/inode/forget.h"
#include "bigdatafs/inode/id.h"
#include "bigdatafs/inode/lookup.h"
#include "bigdatafs/inode/node.h"
#include "park.h"

void entry_of(const struct context *c, struct node *node, struct fuse_entry_param *e)
{
    memset(e, 0, sizeof *e);
    e->ino = nodes_id(c->nodes, node);
    nodes_attr(c->nodes, node, &e->attr);
    e->attr_timeout = nodes_attr_timeout(c->nodes, node);
    e->entry_timeout = nodes_entry_timeout(c->nodes, node);
}

static void reply_entry(struct context *c, fuse_req_t req, struct node *node, int err)
{
    if (err < 0) {
        fuse_reply_err(req, -err);
        return;
    }
    struct fuse_entry_param e;
    entry_of(c, node, &e);
    if (fuse_reply_entry(req, &e) == -ENOENT) /* interrupted: the kernel never had it */
        nodes_forget(c->nodes, node, 1);
}

/* Whether the list says what a name means: of connectors alone. What tells about the mount is there
 * also when no list can be had. */
static bool is_of_list(const struct node *dir, const char *name)
{
    return node_lists_connectors(dir) && uuid_is_valid(name);
}

/* Whether the service is to be asked for the name itself: an id that no list had, or one that lists
 * do not tell of and nobody confirmed for as long as a list lasts. */
static bool should_ask(struct context *c, const struct node *dir, const char *name)
{
    if (!is_of_list(dir, name))
        return false;
    const struct connector *connector = connectors_find(catalogue_connectors(c->catalogue), name);
    if (!connector_exists(connector))
        return true;
    return !connector->listed && connector->progress == PROGRESS_IDLE &&
           !catalogue_confirmed(c->catalogue, connector);
}

static void answer_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct context *c = context_of(req);
    struct node *node = NULL;
    int err = nodes_lookup(c->nodes, nodes_from_id(c->nodes, parent), name, &node);
    reply_entry(c, req, node, err);
}

static void resume_lookup(struct parked *p, int err);

static struct parked *park_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct parked *p = park(req, PARKED_LOOKUP, resume_lookup);
    if (p == NULL)
        return NULL;
    p->lookup.parent = parent;
    memcpy(p->lookup.name, name, strlen(name) + 1);
    parked_lock(p, NOTIFY_LISTS, 0); /* the kernel holds the directory's lock until the reply */
    return p;
}

/* Asks the service for the id that is looked up. False: there was nothing to wait for, so that the
 * request is answered and gone. */
static bool ask_and_wait(struct parked *p)
{
    p->lookup.asked = true;
    int err;
    enum catalogue_ask asked =
        catalogue_ask(p->context->catalogue, p->lookup.name, &p->waiter, &err);
    if (asked != CATALOGUE_ASKED)
        p->resume(p, err);
    return asked == CATALOGUE_ASKED;
}

/* The list that was waited for is there, or the answer about one id. A list that does not tell of
 * the id is no answer yet: then the service is asked for the id, once. */
static void resume_lookup(struct parked *p, int err)
{
    struct context *c = p->context;
    const struct parked_lookup *l = &p->lookup;
    bool known = connector_exists(connectors_find(catalogue_connectors(c->catalogue), l->name));
    if (err < 0 && !(l->asked && known)) {
        parked_end_with(p, err);
        return;
    }
    if (!l->asked && should_ask(c, nodes_from_id(c->nodes, l->parent), l->name)) {
        ask_and_wait(p);
        return;
    }
    answer_lookup(p->req, l->parent, l->name);
    parked_end(p);
}

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct context *c = context_of(req);
    const struct node *dir = nodes_from_id(c->nodes, parent);
    enum catalogue_use use = CATALOGUE_SERVE;
    int err = 0;
    if (is_of_list(dir, name))
        use = catalogue_use(c->catalogue, &err);
    if (use == CATALOGUE_FAILED) {
        fuse_reply_err(req, -err);
        return;
    }
    bool ask = use == CATALOGUE_SERVE && should_ask(c, dir, name);
    if (use == CATALOGUE_SERVE && !ask) {
        answer_lookup(req, parent, name);
        return;
    }
    struct parked *p = park_lookup(req, parent, name);
    if (p == NULL)
        return;
    if (!ask)
        catalogue_wait(c->catalogue, &p->waiter);
    if (!ask || ask_and_wait(p))
        parked_allow_interrupt(p);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct context *c = context_of(req);
    if (strlen(name) > NAME_MAX_BYTES) {
        fuse_reply_err(req, ENAMETOOLONG);
    } else if (context_is_own(req)) {
        struct node *node = NULL;
        int err = nodes_lookup_departing(c->nodes, nodes_from_id(c->nodes, parent), name, &node);
        reply_entry(c, req, node, err);
    } else {
        lookup(req, parent, name);
    }
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
    struct context *c = context_of(req);
    c->unanswered++;
    nodes_forget(c->nodes, nodes_from_id(c->nodes, ino), lookups);
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    struct context *c = context_of(req);
    c->unanswered++;
    for (size_t i = 0; i < count; i++)
        nodes_forget(c->nodes, nodes_from_id(c->nodes, forgets[i].ino), forgets[i].nlookup);
    fuse_reply_none(req);
}
