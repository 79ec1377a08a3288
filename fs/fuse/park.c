/* Requests that wait: for a list, a deletion, or the kernel to know what changed. */
#include <errno.h>
#include <stdlib.h>

#include "park.h"

struct requester requester_of_request(fuse_req_t req)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    return requester_of(ctx->uid, ctx->gid, ctx->pid);
}

static void on_flushed(void *arg)
{
    struct parked *p = arg;
    p->flush = NULL;
    loop_timer_clear(&p->flush_end);
    p->resume(p, p->err);
}

static void on_flush_end(void *arg)
{
    struct parked *p = arg;
    notify_flush_cancel(p->flush);
    on_flushed(p);
}

void parked_settle(struct parked *p, int err)
{
    p->err = err;
    p->flush = notify_flush(p->session->c.notify, p->locks, on_flushed, p);
    if (p->flush == NULL) {
        p->resume(p, err);
        return;
    }
    loop_timer_init(&p->flush_end, on_flush_end, p);
    loop_timer_set(p->session->c.loop, &p->flush_end, PARK_FLUSH_MS);
}

static void on_waited(void *arg, int err)
{
    parked_settle(arg, err);
}

struct parked *park(fuse_req_t req, parked_fn *resume)
{
    struct session *o = session_of(req);
    struct parked *p = fuse_req_interrupted(req) ? NULL : calloc(1, sizeof *p);
    if (p == NULL) {
        fuse_reply_err(req, fuse_req_interrupted(req) ? EINTR : ENOMEM);
        return NULL;
    }
    *p = (struct parked){.session = o, .next = o->parked, .req = req, .resume = resume};
    p->waiter = (struct catalogue_waiter){.done = on_waited, .arg = p};
    if (o->parked != NULL)
        o->parked->prev = p;
    o->parked = p;
    return p;
}

void parked_end(struct parked *p)
{
    struct session *o = p->session;
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        o->parked = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    catalogue_unwait(&p->waiter);
    if (p->flush != NULL)
        notify_flush_cancel(p->flush);
    loop_timer_clear(&p->flush_end);
    if (p->locks)
        notify_release(o->c.notify, p->lock);
    if (p->deletion != NULL)
        deletion_abandon(p->deletion);
    if (p->bulk != NULL)
        bulk_abandon(p->bulk);
    if (p->fate != FATE_NOTIFY)
        nodes_set_fate(p->connector, FATE_NOTIFY);
    if (p->connector != NULL)
        p->connector->pins--;
    free(p);
}

static void on_interrupt(fuse_req_t req, void *arg)
{
    struct parked *p = arg;
    if (p->flush != NULL && !p->locks) { /* it is done, and about to be answered */
        on_flush_end(p);
        return;
    }
    fuse_reply_err(req, EINTR);
    parked_end(p);
}

void parked_lock(struct parked *p, enum notify_lock lock, uint64_t victim)
{
    p->locks = true;
    p->lock = lock;
    notify_hold(p->session->c.notify, lock, victim);
}

void parked_allow_interrupt(struct parked *p)
{
    fuse_req_interrupt_func(p->req, on_interrupt, p);
}

void parked_end_all(struct session *o, int err)
{
    while (o->parked != NULL) {
        struct parked *p = o->parked;
        if (p->flush != NULL) {
            on_flush_end(p); /* its answer is known */
            continue;
        }
        fuse_reply_err(p->req, err);
        parked_end(p);
    }
}
