#include "park.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "words.h"

/* The table of park.h. */
static void check_invariants(const struct parked *p)
{
    assert(p->flush == NULL || loop_timer_is_set(&p->flush_end));
    assert(p->flush != NULL || !loop_timer_is_set(&p->flush_end));
    bool settled = p->flush != NULL;
    if (p->kind == PARKED_DELETION) {
        assert(!settled || p->deletion.deletion == NULL);
        assert(p->deletion.connector != NULL || p->deletion.deletion == NULL);
        assert(p->deletion.fate == FATE_NOTIFY || p->locks);
    }
    if (p->kind == PARKED_BULK)
        assert(!settled || p->bulk.bulk == NULL);
    (void)settled;
}

static void resume(struct parked *p)
{
    p->flush = NULL;
    loop_timer_clear(&p->flush_end);
    check_invariants(p);
    p->resume(p, p->err);
}

static void on_flushed(void *arg)
{
    resume(arg);
}

static void on_flush_end(void *arg)
{
    struct parked *p = arg;
    notify_flush_cancel(p->flush);
    resume(p);
}

void parked_settle(struct parked *p, int err)
{
    p->err = err;
    p->flush = notify_flush(p->context->notify, p->locks, on_flushed, p);
    if (p->flush == NULL) {
        resume(p);
        return;
    }
    loop_timer_set(p->context->loop, &p->flush_end, PARK_FLUSH_MS);
    check_invariants(p);
}

static void on_waited(void *arg, int err)
{
    parked_settle(arg, err);
}

struct parked *park(fuse_req_t req, enum parked_kind kind, parked_fn *on_resume)
{
    struct context *c = context_of(req);
    bool interrupted = fuse_req_interrupted(req) != 0;
    struct parked *p = interrupted ? NULL : calloc(1, sizeof *p);
    if (p == NULL) {
        fuse_reply_err(req, interrupted ? EINTR : ENOMEM);
        return NULL;
    }
    p->context = c;
    p->req = req;
    p->kind = kind;
    p->resume = on_resume;
    p->waiter = (struct catalogue_waiter){.done = on_waited, .arg = p};
    loop_timer_init(&p->flush_end, on_flush_end, p);
    TAILQ_INSERT_TAIL(&c->parked, p, link);
    return p;
}

static void let_go_of_rmdir(struct parked_rmdir *r)
{
    if (r->words != NULL)
        words_cancel(r->words);
    if (r->connector != NULL)
        r->connector->pins--;
}

static void let_go_of_deletion(struct parked_deletion *d)
{
    if (d->deletion != NULL)
        deletion_abandon(d->deletion);
    if (d->connector == NULL)
        return;
    if (d->fate != FATE_NOTIFY)
        nodes_set_fate(d->connector, FATE_NOTIFY);
    d->connector->pins--;
}

void parked_end(struct parked *p)
{
    struct context *c = p->context;
    TAILQ_REMOVE(&c->parked, p, link);
    catalogue_unwait(&p->waiter);
    if (p->flush != NULL)
        notify_flush_cancel(p->flush);
    loop_timer_clear(&p->flush_end);
    if (p->locks)
        notify_release(c->notify, p->lock);
    if (p->kind == PARKED_RMDIR)
        let_go_of_rmdir(&p->rmdir);
    if (p->kind == PARKED_DELETION)
        let_go_of_deletion(&p->deletion);
    if (p->kind == PARKED_BULK && p->bulk.bulk != NULL)
        bulk_abandon(p->bulk.bulk);
    free(p);
}

void parked_end_with(struct parked *p, int err)
{
    fuse_reply_err(p->req, -err);
    parked_end(p);
}

void parked_end_write(struct parked *p, int err, size_t size)
{
    if (err < 0)
        fuse_reply_err(p->req, -err);
    else
        fuse_reply_write(p->req, size);
    parked_end(p);
}

static void on_interrupt(fuse_req_t req, void *arg)
{
    (void)req;
    struct parked *p = arg;
    if (p->flush != NULL && !p->locks)
        on_flush_end(p); /* its answer is known: there is nothing to interrupt */
    else
        parked_end_with(p, -EINTR);
}

void parked_lock(struct parked *p, enum notify_lock lock, uint64_t victim)
{
    p->locks = true;
    p->lock = lock;
    notify_hold(p->context->notify, lock, victim);
}

void parked_allow_interrupt(struct parked *p)
{
    check_invariants(p);
    fuse_req_interrupt_func(p->req, on_interrupt, p);
}

void parked_end_all(struct context *c, int err)
{
    struct parked *p;
    while ((p = TAILQ_FIRST(&c->parked)) != NULL) {
        if (p->flush != NULL)
            on_flush_end(p); /* its answer is known */
        else
            parked_end_with(p, err);
    }
}
