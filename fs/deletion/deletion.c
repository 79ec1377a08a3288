#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/request.h"
#include "bigdatafs/base/sentence.h"
#include "bigdatafs/service/failure.h"

static const char interrupted[] = "interrupted before it was sent";
static const char interrupted_later[] = "interrupted, and not sent again";
static const char no_memory[] = "no memory, nothing was sent";
static const char ending[] = "the program is ending, nothing was sent";

/* The end of a deletion */

static void deletion_free(struct deletion *x)
{
    if (x->op != NULL)
        api_cancel(x->op);
    loop_timer_clear(&x->resend);
    x->prev->next = x->next;
    x->next->prev = x->prev;
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

/* The DELETE failed by its answer, or after one that said yes, or without any. */
static void note_failure(const struct deletion *x)
{
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
    journal_add(x->all->journal, &note);
}

/* Everything is known that will be: writes the outcome, sets the tree right, and ends. */
static void conclude(struct deletion *x, int err)
{
    struct deletions *d = x->all;
    x->state = OUTCOME;
    x->err = err;
    if (err == 0 && x->record.op == REQUEST_ARCHIVE)
        d->stats.archived++;
    else if (err == 0)
        d->stats.accepted++;
    if (x->connector->progress == PROGRESS_UNDER_WAY)
        catalogue_set_progress(d->catalogue, x->connector, PROGRESS_IDLE);
    if (err < 0) {
        log_line(d->log, err == -EINTR ? LOG_INFO : LOG_WARNING, "%s of %s failed: %s",
                 request_op_name(x->record.op), x->record.id, x->reason);
        note_failure(x);
        d->stats.failed++;
        if (x->unsure)
            followup_resolve(d, &x->record);
    }
    struct audit_outcome outcome = {.result = result_of(x),
                                    .err = err,
                                    .status = x->result.status,
                                    .requests = x->requests,
                                    .reason = err < 0 ? x->reason : ""};
    bool ended = err == 0 && x->gone && x->record.op == REQUEST_FORCE_DELETE;
    const struct audit_record record = x->record; /* x may be gone after the next line */
    audit_outcome(d->audit, &x->record, &outcome, on_outcome_written, x);
    if (ended) /* no job will say it */
        audit_resolved(d->audit, &record, AUDIT_GONE);
}

static void gone(struct deletion *x)
{
    x->gone = true;
    if (connector_exists(x->connector))
        catalogue_learn_gone(x->all->catalogue, x->connector);
}

static void archived(struct deletion *x, struct snapshot *snapshot)
{
    int err = catalogue_learn(x->all->catalogue, snapshot, NULL);
    if (err < 0)
        snprintf(x->reason, sizeof x->reason, "archived, but not shown: %s", strerror(-err));
    conclude(x, err);
}

static void send(struct deletion *x);

static void on_resend_due(void *arg)
{
    send(arg);
}

static void resend(struct deletion *x)
{
    uint64_t delay_ms = (uint64_t)DELETION_RESEND_MS << x->resends;
    struct loop *loop = x->all->loop;
    if (x->abandoned || x->resends == DELETION_RESENDS_MAX ||
        loop_now(loop) + delay_ms >= x->deadline_ms) {
        conclude(x, x->err);
        return;
    }
    x->resends++;
    x->state = SENDING;
    loop_timer_init(&x->resend, on_resend_due, x);
    loop_timer_set(loop, &x->resend, delay_ms);
}

/* A GET tells what became of a DELETE whose answer was lost or did not say. */
static void on_checked(void *arg, const struct api_result *r)
{
    struct deletion *x = arg;
    x->op = NULL;
    bool is_gone = api_says_gone(r);
    if (is_gone) {
        gone(x);
        conclude(x, 0);
    } else if (r->err < 0) {
        api_describe(r, x->reason, sizeof x->reason);
        conclude(x, x->err < 0 ? x->err : r->err);
    } else if (x->record.op == REQUEST_FORCE_DELETE && x->last_unsure) {
        resend(x); /* it is still there, so the lost one may be sent again */
    } else if (x->record.op == REQUEST_FORCE_DELETE) {
        conclude(x, x->err); /* the last one was refused, and one before it may still run */
    } else if (r->snapshot->archived) {
        archived(x, r->snapshot);
    } else {
        x->unsure = false;
        if (x->err == 0)
            snprintf(x->reason, sizeof x->reason,
                     "the service accepted the DELETE, but the connector is not archived");
        conclude(x, x->err < 0 ? x->err : -EIO);
    }
}

static void check(struct deletion *x)
{
    struct deletions *d = x->all;
    struct api_call call = {.deadline_ms = x->deadline_ms, .done = on_checked, .arg = x};
    x->state = CHECKING;
    int err = loop_now(d->loop) >= x->deadline_ms ? -ETIMEDOUT
                                                  : api_get(d->api, x->record.id, &call, &x->op);
    if (err < 0)
        conclude(x, x->err < 0 ? x->err : err);
}

static void accepted(struct deletion *x)
{
    if (x->record.op == REQUEST_FORCE_DELETE) {
        followup_start(x->all, x->connector, &x->record);
        conclude(x, 0);
        return;
    }
    x->unsure = true; /* the answer did not show the connector as archived */
    check(x);
}

static void on_answer(void *arg, const struct api_result *r)
{
    struct deletion *x = arg;
    x->op = NULL;
    x->requests += r->attempts;
    x->result = *r;
    x->result.snapshot = NULL;
    x->answered = true;
    x->err = r->err;
    bool is_gone = api_says_gone(r);
    bool was_lost = x->unsure || r->lost;
    x->last_unsure = r->unsure;
    x->unsure = x->unsure || r->unsure;
    if (r->err < 0)
        api_describe(r, x->reason, sizeof x->reason);
    if (r->err == 0) {
        x->unsure = false;
        if (x->record.op == REQUEST_ARCHIVE && r->snapshot != NULL && r->snapshot->archived)
            archived(x, r->snapshot);
        else
            accepted(x);
    } else if (is_gone) {
        x->unsure = false;
        gone(x);
        conclude(x, was_lost ? 0 : r->err);
    } else if (x->unsure) {
        check(x);
    } else {
        conclude(x, r->err);
    }
}

static void send(struct deletion *x)
{
    struct deletions *d = x->all;
    struct api_call call = {.deadline_ms = x->deadline_ms, .done = on_answer, .arg = x};
    x->state = SENDING;
    int err;
    if (loop_now(d->loop) >= x->deadline_ms)
        err = x->err;
    else if (x->record.op == REQUEST_FORCE_DELETE)
        err = api_force_delete(d->api, x->record.id, &call, &x->op);
    else
        err = api_archive(d->api, x->record.id, &call, &x->op);
    if (err < 0)
        conclude(x, err);
}

static void on_intent_written(void *arg, int err)
{
    struct deletion *x = arg;
    if (err == 0 && !x->all->stopping && !x->abandoned) {
        x->err = -ETIMEDOUT; /* unless something better comes */
        snprintf(x->reason, sizeof x->reason, "the audit log took too long, nothing was sent");
        send(x);
        return;
    }
    if (err == 0) {
        snprintf(x->reason, sizeof x->reason, "%s", x->abandoned ? interrupted : ending);
        conclude(x, x->abandoned ? -EINTR : -EIO);
        return;
    }
    snprintf(x->reason, sizeof x->reason, "the audit log cannot be written (%s), nothing was sent",
             strerror(-err));
    conclude(x, -EIO);
}

/* The start */

static int guard(struct deletions *d, bool bulk)
{
    unsigned most = d->options.guard;
    if (bulk || most == 0)
        return 0;
    uint64_t *oldest = &d->times[d->next_time % most], now = loop_now(d->loop);
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
    journal_add(d->journal, &note);
    d->stats.refused++;
    /* Two who want the same are no trouble; everything else is worth a look. */
    log_line(d->log, err == -EBUSY ? LOG_INFO : LOG_WARNING, "%s of %s refused: %s", operation, id,
             reason);
    return err;
}

static int may_start(struct deletions *d, const struct deletion_request *request)
{
    char reason[SENTENCE_MAX];
    if (d->closed)
        return refuse(d, request, -EIO, ending);
    if (request->connector->progress != PROGRESS_IDLE)
        return refuse(d, request, -EBUSY, "a deletion of it is under way already");
    if (audit_state(d->audit) < 0) {
        snprintf(reason, sizeof reason, "the audit log %s cannot be written (%s), nothing was sent",
                 audit_path(d->audit), strerror(-audit_state(d->audit)));
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

static void on_dry_run_intent(void *arg, int err)
{
    struct deletion *x = arg;
    snprintf(x->reason, sizeof x->reason, "%s",
             err == 0 ? "would delete: -o dry_run sends nothing" : strerror(-err));
    conclude(x, err == 0 ? -EPERM : -EIO);
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
    *x = (struct deletion){.all = d,
                           .connector = connector,
                           .deadline_ms = api_deadline(d->api),
                           .done = request->done,
                           .arg = request->arg,
                           .record = {.op = request->op, .who = request->who}};
    memcpy(x->record.id, connector->id, sizeof connector->id);
    err = audit_intent(d->audit, &x->record, connector->snapshot,
                       d->options.dry_run ? on_dry_run_intent : on_intent_written, x);
    if (err < 0) {
        free(x);
        return refuse(d, request, err, no_memory);
    }
    x->prev = d->ring.prev;
    x->next = &d->ring;
    x->prev->next = x->next->prev = x;
    d->under_way++;
    connector->pins++;
    catalogue_set_progress(d->catalogue, connector, PROGRESS_UNDER_WAY);
    *out = x;
    return 0;
}

/* Ends the operation under way; the DELETEs that it tried stay on record. */
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
    snprintf(x->reason, sizeof x->reason, "%s", x->requests > 0 ? interrupted_later : interrupted);
    if (x->unsure)
        check(x);
    else
        conclude(x, -EINTR);
}

void deletions_close(struct deletions *d)
{
    d->closed = true;
}

void deletions_stop(struct deletions *d)
{
    d->closed = d->stopping = true;
    for (struct deletion *x = d->ring.next, *next; x != &d->ring; x = next) {
        next = x->next;
        if (x->op == NULL && !loop_timer_is_set(&x->resend))
            continue;
        cancel(x);
        snprintf(x->reason, sizeof x->reason, "the program ended before the answer came");
        conclude(x, -EIO); /* not EINTR, after which some shells would write again at once */
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
    int err = 0;
    for (const struct deletion *x = d->ring.next; err == 0 && x != &d->ring; x = x->next)
        err = buf_printf(to, "{\"id\":\"%s\",\"operation\":\"%s\",\"state\":\"under way\"}\n",
                         x->record.id, request_op_name(x->record.op));
    for (const struct job *j = d->jobs.next; err == 0 && j != &d->jobs; j = j->next) {
        bool stalled = j->connector->progress == PROGRESS_STALLED;
        uint64_t quiet_s = (loop_now(d->loop) - j->progress_ms) / 1000;
        err = buf_printf(to,
                         "{\"id\":\"%s\",\"operation\":\"hard delete\",\"state\":\"%s\","
                         "\"seconds_since_progress\":%llu}\n",
                         j->connector->id, stalled ? "stalled" : "deleting",
                         (unsigned long long)quiet_s);
    }
    return err;
}

unsigned deletions_jobs(const struct deletions *d)
{
    return d->job_count;
}

int deletions_new(const struct deletion_parts *parts, const struct deletion_options *options,
                  struct deletions **out)
{
    struct deletions *d = calloc(1, sizeof *d);
    if (d == NULL)
        return -ENOMEM;
    *d = (struct deletions){.loop = parts->loop,
                            .log = parts->log,
                            .api = parts->api,
                            .catalogue = parts->catalogue,
                            .audit = parts->audit,
                            .journal = parts->journal,
                            .options = *options};
    d->ring.next = d->ring.prev = &d->ring;
    d->jobs.next = d->jobs.prev = &d->jobs;
    d->resolutions.next = d->resolutions.prev = &d->resolutions;
    d->times = calloc(options->guard > 0 ? options->guard : 1, sizeof *d->times);
    if (d->times == NULL) {
        free(d);
        return -ENOMEM;
    }
    *out = d;
    return 0;
}

void deletions_free(struct deletions *d)
{
    if (d == NULL)
        return;
    while (d->ring.next != &d->ring)
        deletion_free(d->ring.next);
    followup_free(d);
    resolutions_free(d);
    free(d->earlier);
    free(d->times);
    free(d);
}
