#include "delete.h"

#include "bigdatafs/inode/id.h"

static void on_deletion_done(void *arg, int err)
{
    struct parked *p = arg;
    p->deletion.deletion = NULL;
    if (p->locks)
        p->resume(p, err); /* the kernel sees to the name itself, and nothing else could be sent */
    else
        parked_settle(p, err);
}

uint64_t delete_id_of_directory(struct context *c, const struct connector *connector)
{
    return connector->dir != NULL ? nodes_id(c->nodes, connector->dir) : 0;
}

void delete_and_park(fuse_req_t req, enum request_op op, const struct parked_deletion *asked,
                     parked_fn *resume)
{
    struct context *c = context_of(req);
    struct connector *connector = asked->connector;
    struct parked *p = park(req, PARKED_DELETION, resume);
    if (p == NULL)
        return;
    if (asked->fate != FATE_NOTIFY)
        parked_lock(p, NOTIFY_REMOVAL, delete_id_of_directory(c, connector));
    p->deletion.connector = connector;
    p->deletion.size = asked->size;
    connector->pins++;
    struct deletion_request request = {.op = op,
                                       .connector = connector,
                                       .who = context_requester(req),
                                       .done = on_deletion_done,
                                       .arg = p};
    int err = deletion_start(c->deletions, &request, &p->deletion.deletion);
    if (err < 0) {
        resume(p, err);
        return;
    }
    p->deletion.fate = asked->fate;
    if (asked->fate != FATE_NOTIFY)
        nodes_set_fate(connector, asked->fate);
    parked_allow_interrupt(p);
}
