#include "bigdatafs/deletion/deletion.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "bigdatafs/base/sentence.h"
#include "follow.h"
#include "resolve.h"

enum state { INTENT, SENDING, CHECKING, OUTCOME };

struct deletion {
    TAILQ_ENTRY(deletion) link;
    struct deletions *all;
    enum state state;
    struct connector *connector; /* pinned */
    struct audit_record record;
    uint64_t deadline_ms;
    deletion_done_fn *done; /* NULL: nobody waits */
    void *arg;
    bool abandoned;           /* whoever waited has gone: no DELETE is sent any more */
    struct api_op *op;        /* the DELETE in SENDING, the GET in CHECKING */
    struct loop_timer resend; /* SENDING: set while a hard delete waits to be sent again */
    unsigned resends;
    unsigned requests;        /* DELETEs that were sent or tried */
    bool answered;            /* a DELETE has ended, and result tells how */
    struct api_result result; /* of the last DELETE; its snapshot is not kept */
    bool unsure;              /* one of the DELETEs may have been carried out, and none says so */
    bool last_unsure;         /* that may be the last one */
    bool gone;                /* the service does not have the connector any more */
    int err;
    char reason[SENTENCE_MAX];
};

struct deletions {
    struct deletion_parts parts;
    struct deletion_options options;
    struct deletion_stats stats;
    struct follows *follows;
    struct resolutions *resolutions;
    TAILQ_HEAD(, deletion) list;
    unsigned under_way;
    bool closed;     /* none is begun any more */
    bool stopping;   /* no DELETE is sent any more */
    uint64_t *times; /* guard: when the last options.guard single deletions were let through */
    size_t next_time;
};

static const char interrupted[] = "interrupted before it was sent";
static const char interrupted_later[] = "interrupted, and not sent again";
static const char no_memory[] = "no memory, nothing was sent";
static const char no_memory_later[] = "no memory to send it again";
static const char ending[] = "the program is ending, nothing was sent";
static const char too_late[] = "the audit log took too long, nothing was sent";
static const char unchecked[] = "the service accepted the DELETE, but could not be asked whether "
                                "the connector is archived";
static const char not_archived[] =
    "the service accepted the DELETE, but the connector is not archived";

static void check_invariants(const struct deletion *x)
{
    switch (x->state) {
    case INTENT:
        assert(x->op == NULL && !loop_timer_is_set(&x->resend));
        assert(x->requests == 0 && !x->answered && !x->unsure);
        break;
    case SENDING:
        assert((x->op != NULL) != loop_timer_is_set(&x->resend));
        assert(!loop_timer_is_set(&x->resend) || (x->last_unsure && !x->abandoned));
        assert(x->op == NULL || !x->all->stopping);
        break;
    case CHECKING:
        assert(x->op != NULL && !loop_timer_is_set(&x->resend));
        assert(x->unsure);
        break;
    case OUTCOME:
        assert(x->op == NULL && !loop_timer_is_set(&x->resend));
        assert(x->err < 0 || !x->unsure);
        break;
    }
    assert(x->state == OUTCOME || x->connector->progress == PROGRESS_UNDER_WAY);
    assert(x->connector->pins > 0);
    assert(!x->abandoned || x->done == NULL);
    assert(x->resends == 0 || x->record.op == REQUEST_FORCE_DELETE);
    assert(x->resends <= DELETION_RESENDS_MAX);
    (void)x;
}

static void set_reason(struct deletion *x, const char *reason)
{
    snprintf(x->reason, sizeof x->reason, "%s", reason);
}

/* The end of a deletion */

static void deletion_free(struct deletion *x)
{
    if (x->op != NULL)
        api_cancel(x->op);
    loop_timer_clear(&x->resend);
    TAILQ_REMOVE(&x->all->list, x, link);
    x->all->under_way--;
    x->connector->pins--;
    free(x);
}

static void on_outcome_written(void *arg, int err)
{
    struct deletion *x = arg;
    (void)err; /* logged by audit.c; what the service did is done */
    if (x->done != NULL)
        x->done(x->arg, x->err);
    deletion_free(x);
}

static enum audit_result result_of(const struct deletion *x)
{
    if (x->err == 0)
        return AUDIT_DONE;
    return x->unsure ? AUDIT_UNKNOWN : AUDIT_FAILED;
}

/* Tells of a DELETE that failed by its answer, after an answer that said yes, or without any. */
static void note_failure(const struct deletion *x)
{
    const struct deletion_parts *p = &x->all->parts;
    bool refused = x->answered && x->result.err < 0;
    struct journal_note note = {.operation = request_op_name(x->record.op),
                                .id = x->record.id,
                                .who = &x->record.who,
                                .err = x->err,
                                .result = refused ? &x->result : NULL,
                                .reason = x->reason};
    if (x->answered && !refused)
        note.hint = "the service said yes to the DELETE: write to .bigdatafs/refresh and look "
                    "whether the connector is archived, before you try again";
    journal_add(p->journal, &note);
    log_line(p->log, x->err == -EINTR ? LOG_INFO : LOG_WARNING, "%s of %s failed: %s",
             request_op_name(x->record.op), x->record.id, x->reason);
}

static void count_end(struct deletion_stats *stats, const struct deletion *x)
{
    if (x->err < 0)
        stats->failed++;
    else if (x->record.op == REQUEST_ARCHIVE)
        stats->archived++;
    else
        stats->accepted++;
}

/* Writes the outcome, after which the deletion ends: it may be freed when this returns. */
static void record_outcome(struct deletion *x)
{
    struct audit *audit = x->all->parts.audit;
    bool gone = x->err == 0 && x->gone && x->record.op == REQUEST_FORCE_DELETE;
    const struct audit_record record = x->record;
    struct audit_outcome outcome = {.result = result_of(x),
                                    .err = x->err,
                                    .status = x->result.status,
                                    .requests = x->requests,
                                    .reason = x->err < 0 ? x->reason : ""};
    audit_outcome(audit, &x->record, &outcome, on_outcome_written, x);
    if (gone) /* nothing follows it that would say so */
        audit_resolved(audit, &record, AUDIT_GONE);
}

/* Everything is known that will be. The deletion may be freed when this returns. */
static void conclude(struct deletion *x, int err)
{
    struct deletions *d = x->all;
    x->state = OUTCOME;
    x->err = err;
    count_end(&d->stats, x);
    if (x->connector->progress == PROGRESS_UNDER_WAY)
        catalogue_set_progress(d->parts.catalogue, x->connector, PROGRESS_IDLE);
    check_invariants(x);
    if (err < 0)
        note_failure(x);
    if (result_of(x) == AUDIT_UNKNOWN)
        resolutions_add(d->resolutions, &x->record);
    record_outcome(x);
}

static void gone(struct deletion *x)
{
    x->gone = true;
    x->unsure = false;
    if (connector_exists(x->connector))
        catalogue_learn_gone(x->all->parts.catalogue, x->connector);
}

static void archived(struct deletion *x, struct snapshot *snapshot)
{
    int err = catalogue_learn(x->all->parts.catalogue, snapshot, NULL);
    x->unsure = err < 0; /* what is not shown is looked at again */
    if (err < 0)
        snprintf(x->reason, sizeof x->reason, "archived, but not shown: %s", strerror(-err));
    conclude(x, err);
}

/* On the way. What sends, checks or concludes is the last that is done to a deletion in a step. */

static void resend_later(struct deletion *x)
{
    uint64_t delay_ms = (uint64_t)DELETION_RESEND_MS << x->resends;
    struct loop *loop = x->all->parts.loop;
    if (x->abandoned || x->resends == DELETION_RESENDS_MAX ||
        loop_now(loop) + delay_ms >= x->deadline_ms) {
        conclude(x, x->err);
        return;
    }
    x->resends++;
    x->state = SENDING;
    loop_timer_set(loop, &x->resend, delay_ms);
    check_invariants(x);
}

/* A GET tells what became of a DELETE whose answer was lost or did not say. */
static void on_checked(void *arg, const struct api_result *r)
{
    struct deletion *x = arg;
    x->op = NULL;
    if (api_says_gone(r)) {
        gone(x);
        conclude(x, 0);
    } else if (r->err < 0) {
        api_describe(r, x->reason, sizeof x->reason);
        conclude(x, x->err < 0 ? x->err : r->err);
    } else if (x->record.op == REQUEST_FORCE_DELETE && x->last_unsure) {
        resend_later(x); /* it is still there, so the lost one may be sent again */
    } else if (x->record.op == REQUEST_FORCE_DELETE) {
        conclude(x, x->err); /* the last one was refused, and one before it may still run */
    } else if (r->snapshot->archived) {
        archived(x, r->snapshot);
    } else {
        x->unsure = false;
        if (x->err == 0)
            set_reason(x, not_archived);
        conclude(x, x->err < 0 ? x->err : -EIO);
    }
}

static void check(struct deletion *x)
{
    const struct deletion_parts *p = &x->all->parts;
    struct api_call call = {.deadline_ms = x->deadline_ms, .done = on_checked, .arg = x};
    int err = loop_now(p->loop) >= x->deadline_ms ? -ETIMEDOUT
                                                  : api_get(p->api, x->record.id, &call, &x->op);
    if (err < 0) {
        conclude(x, x->err < 0 ? x->err : err);
        return;
    }
    x->state = CHECKING;
    check_invariants(x);
}

static void accepted(struct deletion *x)
{
    if (x->record.op == REQUEST_FORCE_DELETE) {
        follows_add(x->all->follows, x->connector, &x->record);
        conclude(x, 0);
        return;
    }
    x->unsure = true; /* the answer did not show the connector as archived */
    set_reason(x, unchecked);
    check(x);
}

static void on_answer(void *arg, const struct api_result *r)
{
    struct deletion *x = arg;
    bool was_lost = x->unsure || r->lost;
    x->op = NULL;
    x->requests += r->attempts;
    x->result = *r;
    x->result.snapshot = NULL;
    x->answered = true;
    x->err = r->err;
    x->last_unsure = r->unsure;
    x->unsure = r->err < 0 && (x->unsure || r->unsure);
    if (r->err < 0)
        api_describe(r, x->reason, sizeof x->reason);
    if (r->err == 0 && x->record.op == REQUEST_ARCHIVE && r->snapshot != NULL &&
        r->snapshot->archived) {
        archived(x, r->snapshot);
    } else if (r->err == 0) {
        accepted(x);
    } else if (api_says_gone(r)) {
        gone(x);
        conclude(x, was_lost ? 0 : r->err);
    } else if (x->unsure) {
        check(x);
    } else {
        conclude(x, r->err);
    }
}

/* Sends the DELETE for the first time, or again. The deadline can have passed only while the intent
 * was written: err and the reason say so until a DELETE was answered. */
static void send(struct deletion *x)
{
    const struct deletion_parts *p = &x->all->parts;
    if (loop_now(p->loop) >= x->deadline_ms) {
        conclude(x, x->err);
        return;
    }
    struct api_call call = {.deadline_ms = x->deadline_ms, .done = on_answer, .arg = x};
    int err = x->record.op == REQUEST_ARCHIVE
                  ? api_archive(p->api, x->record.id, &call, &x->op)
                  : api_force_delete(p->api, x->record.id, &call, &x->op);
    if (err < 0) {
        set_reason(x, x->requests > 0 ? no_memory_later : no_memory);
        conclude(x, err);
        return;
    }
    x->state = SENDING;
    check_invariants(x);
}

static void on_resend_due(void *arg)
{
    send(arg);
}

static void on_intent_written(void *arg, int err)
{
    struct deletion *x = arg;
    if (err < 0) {
        snprintf(x->reason, sizeof x->reason,
                 "the audit log cannot be written (%s), nothing was sent", strerror(-err));
        conclude(x, -EIO);
    } else if (x->abandoned) {
        set_reason(x, interrupted);
        conclude(x, -EINTR);
    } else if (x->all->stopping) {
        set_reason(x, ending);
        conclude(x, -EIO);
    } else {
        x->err = -ETIMEDOUT;
        set_reason(x, too_late);
        send(x);
    }
}

static void on_dry_run_intent(void *arg, int err)
{
    struct deletion *x = arg;
    set_reason(x, err == 0 ? "would delete: -o dry_run sends nothing" : strerror(-err));
    conclude(x, err == 0 ? -EPERM : -EIO);
}

/* The start */

static int guard(struct deletions *d, bool bulk)
{
    unsigned most = d->options.guard;
    if (bulk || most == 0)
        return 0;
    uint64_t *oldest = &d->times[d->next_time % most], now = loop_now(d->parts.loop);
    if (*oldest != 0 && now - *oldest < DELETION_GUARD_S * 1000)
        return -EDQUOT;
    *oldest = now;
    d->next_time++;
    return 0;
}

static int refuse(struct deletions *d, const struct deletion_request *request, int err,
                  const char *reason)
{
    const char *operation = request_op_name(request->op), *id = request->connector->id;
    struct journal_note note = {
        .operation = operation, .id = id, .who = &request->who, .err = err, .reason = reason};
    journal_add(d->parts.journal, &note);
    d->stats.refused++;
    /* Two who want the same are no trouble; everything else is worth a look. */
    log_line(d->parts.log, err == -EBUSY ? LOG_INFO : LOG_WARNING, "%s of %s refused: %s",
             operation, id, reason);
    return err;
}

static int may_start(struct deletions *d, const struct deletion_request *request)
{
    const struct audit *audit = d->parts.audit;
    char reason[SENTENCE_MAX];
    if (d->closed)
        return refuse(d, request, -EIO, ending);
    if (request->connector->progress != PROGRESS_IDLE)
        return refuse(d, request, -EBUSY, "a deletion of it is under way already");
    if (audit_state(audit) < 0) {
        snprintf(reason, sizeof reason, "the audit log %s cannot be written (%s), nothing was sent",
                 audit_path(audit), strerror(-audit_state(audit)));
        return refuse(d, request, -EIO, reason);
    }
    if (guard(d, request->bulk) < 0) {
        snprintf(
            reason, sizeof reason,
            "the guard stopped more than %u deletions in %d s, nothing was sent; see -o guard=",
            d->options.guard, DELETION_GUARD_S);
        return refuse(d, request, -EDQUOT, reason);
    }
    return 0;
}

static void deletion_init(struct deletion *x, struct deletions *d,
                          const struct deletion_request *request)
{
    *x = (struct deletion){.all = d,
                           .connector = request->connector,
                           .deadline_ms = api_deadline(d->parts.api),
                           .done = request->done,
                           .arg = request->arg,
                           .record = {.op = request->op, .who = request->who}};
    memcpy(x->record.id, request->connector->id, sizeof x->record.id);
    loop_timer_init(&x->resend, on_resend_due, x);
}

int deletion_start(struct deletions *d, const struct deletion_request *request,
                   struct deletion **out)
{
    int err = may_start(d, request);
    if (err < 0)
        return err;
    struct connector *connector = request->connector;
    struct deletion *x = calloc(1, sizeof *x);
    if (x == NULL)
        return refuse(d, request, -ENOMEM, no_memory);
    deletion_init(x, d, request);
    err = audit_intent(d->parts.audit, &x->record, connector->snapshot,
                       d->options.dry_run ? on_dry_run_intent : on_intent_written, x);
    if (err < 0) {
        free(x);
        return refuse(d, request, err, no_memory);
    }
    TAILQ_INSERT_TAIL(&d->list, x, link);
    d->under_way++;
    connector->pins++;
    catalogue_set_progress(d->parts.catalogue, connector, PROGRESS_UNDER_WAY);
    check_invariants(x);
    *out = x;
    return 0;
}

/* Ends what is under way at the service; the DELETEs that were tried stay on record. */
static void cancel(struct deletion *x)
{
    loop_timer_clear(&x->resend);
    if (x->op == NULL)
        return;
    if (x->state == SENDING)
        x->requests += api_attempts(x->op);
    x->unsure = x->unsure || api_sent(x->op) != API_UNSENT;
    api_cancel(x->op);
    x->op = NULL;
}

void deletion_abandon(struct deletion *x)
{
    x->done = NULL;
    x->abandoned = true;
    if (x->state != SENDING)
        return; /* what comes next sees that it is abandoned */
    if (x->op != NULL && api_sent(x->op) == API_IN_FLIGHT) {
        api_send_no_more(x->op);
        return;
    }
    cancel(x);
    x->err = -EINTR;
    set_reason(x, x->requests > 0 ? interrupted_later : interrupted);
    if (x->unsure)
        check(x);
    else
        conclude(x, -EINTR);
}

/* All of them */

void deletions_recover(struct deletions *d)
{
    resolutions_recover(d->resolutions);
}

void deletions_close(struct deletions *d)
{
    d->closed = true;
}

void deletions_stop(struct deletions *d)
{
    d->closed = d->stopping = true;
    resolutions_stop(d->resolutions);
    struct deletion *x = TAILQ_FIRST(&d->list);
    while (x != NULL) {
        struct deletion *next = TAILQ_NEXT(x, link);
        if (x->state == SENDING || x->state == CHECKING) {
            cancel(x);
            set_reason(x, "the program ended before the answer came");
            conclude(x, -EIO); /* not EINTR, after which some shells would write again at once */
        }
        x = next;
    }
}

unsigned deletions_under_way(const struct deletions *d)
{
    return d->under_way;
}

const struct deletion_stats *deletions_stats(const struct deletions *d)
{
    return &d->stats;
}

int deletions_render(const struct deletions *d, struct buf *to)
{
    const struct deletion *x;
    TAILQ_FOREACH(x, &d->list, link)
    {
        int err = buf_printf(to, "{\"id\":\"%s\",\"operation\":\"%s\",\"state\":\"under way\"}\n",
                             x->record.id, request_op_name(x->record.op));
        if (err < 0)
            return err;
    }
    return follows_render(d->follows, to);
}

unsigned deletions_jobs(const struct deletions *d)
{
    return follows_count(d->follows);
}

int deletions_new(const struct deletion_parts *parts, const struct deletion_options *options,
                  struct deletions **out)
{
    struct deletions *d = calloc(1, sizeof *d);
    if (d == NULL)
        return -ENOMEM;
    d->parts = *parts;
    d->options = *options;
    TAILQ_INIT(&d->list);
    struct follow_parts follow = {.loop = parts->loop,
                                  .log = parts->log,
                                  .api = parts->api,
                                  .catalogue = parts->catalogue,
                                  .audit = parts->audit};
    d->times = calloc(options->guard > 0 ? options->guard : 1, sizeof *d->times);
    int err = d->times != NULL ? follows_new(&follow, &d->follows) : -ENOMEM;
    if (err == 0)
        err = resolutions_new(&follow, d->follows, &d->resolutions);
    if (err < 0) {
        deletions_free(d);
        return err;
    }
    *out = d;
    return 0;
}

void deletions_free(struct deletions *d)
{
    if (d == NULL)
        return;
    while (!TAILQ_EMPTY(&d->list))
        deletion_free(TAILQ_FIRST(&d->list));
    resolutions_free(d->resolutions);
    follows_free(d->follows);
    free(d->times);
    free(d);
}
