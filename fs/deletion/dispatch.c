#include "dispatch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char interrupted[] = "interrupted before it was sent";
static const char interrupted_later[] = "interrupted, and not sent again";
static const char no_memory[] = "no memory, nothing was sent";
static const char no_memory_later[] = "no memory to send it again";
static const char unchecked[] = "the service accepted the DELETE, but could not be asked whether "
                                "the connector is archived";
static const char not_archived[] =
    "the service accepted the DELETE, but the connector is not archived";
static const char too_late_to_send[] = "the look before it took too long, nothing was sent";
static const char gone_once[] = "the service said once that the connector is gone";

/* Nothing was sent yet, and whether the connector is there has to be seen before. */
static bool is_first_look(const struct dispatch *x)
{
    return x->request.look_first && !x->answered && x->requests == 0;
}

static void check_invariants(const struct dispatch *x)
{
    bool calls = x->state == DISPATCH_SENDING || x->state == DISPATCH_CHECKING;
    assert((x->call != NULL) == calls);
    bool pauses = x->state == DISPATCH_PAUSING || x->state == DISPATCH_DOUBTING;
    assert(loop_timer_is_set(&x->pause) == pauses);
    assert(x->state != DISPATCH_IDLE || (x->requests == 0 && !x->answered && !x->unsure));
    bool looks = x->state == DISPATCH_CHECKING || x->state == DISPATCH_DOUBTING;
    assert(!looks || x->unsure || is_first_look(x));
    assert(x->state != DISPATCH_PAUSING || (x->unsure && x->last_lost && !x->abandoned));
    assert(x->state != DISPATCH_ENDED || x->err < 0 || !x->unsure);
    assert(x->resends == 0 || x->request.op == REQUEST_FORCE_DELETE);
    assert(x->resends <= DISPATCH_RESENDS_MAX && x->doubts <= DISPATCH_DOUBTS_MAX);
    assert(x->state == DISPATCH_IDLE || x->state == DISPATCH_ENDED ||
           x->request.connector->pins > 0);
    (void)calls, (void)pauses, (void)looks;
}

static void set_reason(struct dispatch *x, const char *reason)
{
    snprintf(x->reason, sizeof x->reason, "%s", reason);
}

static bool is_too_late(const struct dispatch *x, uint64_t delay_ms)
{
    return loop_now(x->request.loop) + delay_ms >= x->request.deadline_ms;
}

/* What ends, sends, checks or pauses is the last that is done in a step: the owner may free the
 * dispatch at its end. */
static void end(struct dispatch *x, int err)
{
    x->state = DISPATCH_ENDED;
    x->err = err;
    check_invariants(x);
    x->request.done(x->request.arg);
}

static void gone(struct dispatch *x)
{
    x->gone = true;
    x->unsure = false;
    if (connector_exists(x->request.connector))
        catalogue_learn_gone(x->request.catalogue, x->request.connector);
}

static void archived(struct dispatch *x, struct snapshot *snapshot)
{
    int err = catalogue_learn(x->request.catalogue, snapshot, NULL);
    x->unsure = err < 0; /* what is not shown is looked at again */
    if (err < 0)
        snprintf(x->reason, sizeof x->reason, "archived, but not shown: %s", strerror(-err));
    end(x, err);
}

/* The hard delete whose answer was lost has left the connector there: it is sent again in a while,
 * unless there were enough. */
static void pause_or_end(struct dispatch *x)
{
    uint64_t delay_ms = (uint64_t)DISPATCH_RESEND_MS << x->resends;
    if (x->abandoned || x->resends == DISPATCH_RESENDS_MAX || is_too_late(x, delay_ms)) {
        end(x, x->err);
        return;
    }
    x->resends++;
    x->state = DISPATCH_PAUSING;
    loop_timer_set(x->request.loop, &x->pause, delay_ms);
    check_invariants(x);
}

/* Looks once more in a while, unless that is too late: then it is for resolve.h to find out. */
static void doubt_or_end(struct dispatch *x, uint64_t delay_ms, const char *reason)
{
    if (is_too_late(x, delay_ms)) {
        if (x->err == 0)
            set_reason(x, reason);
        end(x, x->err < 0 ? x->err : -EIO);
        return;
    }
    x->state = DISPATCH_DOUBTING;
    loop_timer_set(x->request.loop, &x->pause, delay_ms);
    check_invariants(x);
}

static void looked_gone(struct dispatch *x)
{
    if (x->seen_gone) {
        gone(x);
        end(x, 0);
        return;
    }
    x->seen_gone = true;
    doubt_or_end(x, API_GONE_AGAIN_MS, gone_once);
}

/* What was accepted, or sent without an answer, may be carried out yet: that is no failure. */
static void looked_not_archived(struct dispatch *x)
{
    if (x->err == 0 && !x->abandoned && x->doubts < DISPATCH_DOUBTS_MAX) {
        doubt_or_end(x, (uint64_t)DISPATCH_DOUBT_MS << x->doubts++, not_archived);
        return;
    }
    if (x->err == 0)
        set_reason(x, not_archived);
    end(x, x->err < 0 ? x->err : -EIO);
}

static void send(struct dispatch *x);

/* The service has lost the hard delete that it accepted before this one. */
static void looked_lost(struct dispatch *x)
{
    if (x->abandoned) {
        set_reason(x, interrupted);
        end(x, -EINTR);
    } else if (is_too_late(x, 0)) {
        set_reason(x, too_late_to_send);
        end(x, -ETIMEDOUT);
    } else {
        send(x);
    }
}

/* A GET tells what became of a DELETE whose answer was lost or said too little. */
static void on_checked(void *arg, const struct api_result *r)
{
    struct dispatch *x = arg;
    x->call = NULL;
    if (api_says_gone(r)) {
        looked_gone(x);
        return;
    }
    if (r->err < 0) {
        api_describe(r, x->reason, sizeof x->reason);
        end(x, x->err < 0 ? x->err : r->err);
        return;
    }
    x->seen_gone = false;
    if (is_first_look(x)) {
        looked_lost(x);
    } else if (x->request.op == REQUEST_FORCE_DELETE && x->last_lost) {
        pause_or_end(x);
    } else if (x->request.op == REQUEST_FORCE_DELETE) {
        end(x, x->err); /* the last one was answered, without a yes, and may run */
    } else if (r->snapshot->archived) {
        archived(x, r->snapshot);
    } else {
        looked_not_archived(x);
    }
}

static void check(struct dispatch *x)
{
    const struct dispatch_request *q = &x->request;
    struct api_call call = {.deadline_ms = q->deadline_ms, .done = on_checked, .arg = x};
    int err = is_too_late(x, 0) ? -ETIMEDOUT : api_get(q->api, q->connector->id, &call, &x->call);
    if (err < 0) {
        end(x, x->err < 0 ? x->err : err);
        return;
    }
    x->state = DISPATCH_CHECKING;
    check_invariants(x);
}

/* The service said yes. A hard delete is a job that has begun; an archive has to be seen. */
static void accepted(struct dispatch *x, struct snapshot *snapshot)
{
    if (x->request.op == REQUEST_FORCE_DELETE) {
        end(x, 0);
    } else if (snapshot != NULL && snapshot->archived) {
        archived(x, snapshot);
    } else {
        x->unsure = true;
        set_reason(x, unchecked);
        check(x);
    }
}

static void on_answer(void *arg, const struct api_result *r)
{
    struct dispatch *x = arg;
    bool was_lost = x->unsure || r->lost;
    x->call = NULL;
    x->requests += r->attempts;
    x->result = *r;
    x->result.snapshot = NULL;
    x->answered = true;
    x->err = r->err;
    x->last_lost = r->err < 0 && r->lost;
    x->unsure = r->err < 0 && (x->unsure || r->unsure);
    if (r->err < 0)
        api_describe(r, x->reason, sizeof x->reason);
    if (r->err == 0) {
        accepted(x, r->snapshot);
    } else if (api_says_gone(r)) {
        gone(x);
        end(x, was_lost ? 0 : r->err);
    } else if (x->unsure) {
        check(x);
    } else {
        end(x, r->err);
    }
}

static void send(struct dispatch *x)
{
    const struct dispatch_request *q = &x->request;
    struct api_call call = {.deadline_ms = q->deadline_ms, .done = on_answer, .arg = x};
    int err;
    if (q->op == REQUEST_ARCHIVE)
        err = api_archive(q->api, q->connector->id, &call, &x->call);
    else
        err = api_force_delete(q->api, q->connector->id, &call, &x->call);
    if (err < 0) {
        set_reason(x, x->requests > 0 ? no_memory_later : no_memory);
        end(x, err);
        return;
    }
    x->state = DISPATCH_SENDING;
    check_invariants(x);
}

static void on_pause_end(void *arg)
{
    struct dispatch *x = arg;
    if (x->state == DISPATCH_DOUBTING)
        check(x);
    else if (is_too_late(x, 0)) /* the loop was late */
        end(x, x->err);
    else
        send(x);
}

void dispatch_init(struct dispatch *x, const struct dispatch_request *request)
{
    *x = (struct dispatch){.request = *request};
    loop_timer_init(&x->pause, on_pause_end, x);
}

void dispatch_start(struct dispatch *x)
{
    check_invariants(x);
    if (x->request.look_first)
        check(x);
    else
        send(x);
}

bool dispatch_is_under_way(const struct dispatch *x)
{
    return x->state != DISPATCH_IDLE && x->state != DISPATCH_ENDED;
}

/* Ends what is under way at the service; the DELETEs that were tried stay on record. */
static void take_back(struct dispatch *x)
{
    loop_timer_clear(&x->pause);
    if (x->call == NULL)
        return;
    if (x->state == DISPATCH_SENDING)
        x->requests += api_attempts(x->call);
    x->unsure = x->unsure || api_sent(x->call) != API_UNSENT;
    api_cancel(x->call);
    x->call = NULL;
}

void dispatch_abandon(struct dispatch *x)
{
    x->abandoned = true;
    if (x->state == DISPATCH_CHECKING || x->state == DISPATCH_DOUBTING)
        return; /* pause_or_end sees that it is abandoned */
    if (x->state == DISPATCH_SENDING && api_sent(x->call) == API_IN_FLIGHT) {
        api_send_no_more(x->call);
        return;
    }
    take_back(x);
    x->err = -EINTR;
    set_reason(x, x->requests > 0 ? interrupted_later : interrupted);
    if (x->unsure)
        check(x);
    else
        end(x, -EINTR);
}

void dispatch_stop(struct dispatch *x, int err, const char *reason)
{
    take_back(x);
    set_reason(x, reason);
    end(x, err);
}

void dispatch_cancel(struct dispatch *x)
{
    loop_timer_clear(&x->pause);
    if (x->call != NULL)
        api_cancel(x->call);
    x->call = NULL;
}
