#include "bigdatafs/deletion/deletion.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "bigdatafs/base/clock.h"
#include "bigdatafs/base/sentence.h"
#include "dispatch.h"
#include "follow.h"
#include "guard.h"
#include "job.h"
#include "resolve.h"

enum state { INTENT, DISPATCHED, OUTCOME };

struct deletion {
    TAILQ_ENTRY(deletion) link;
    struct deletions *all;
    enum state state;
    struct connector *connector; /* pinned */
    struct audit_record record;
    struct dispatch dispatch;
    bool abandoned;
    bool late;  /* in INTENT: who waited was told that the audit log takes too long */
    bool again; /* of a hard delete that stalled, which follow.h holds until this one has ended */
    deletion_done_fn *done; /* NULL: nobody waits */
    void *arg;
    struct loop_timer patience; /* in INTENT and OUTCOME: how long who waits waits for the disk */
    int err;                    /* in OUTCOME */
};

struct deletions {
    struct deletion_parts parts;
    struct deletion_options options;
    struct deletion_stats stats;
    struct follows *follows;
    struct resolutions *resolutions;
    TAILQ_HEAD(, deletion) list;
    unsigned under_way;
    bool closed;   /* none is begun any more */
    bool stopping; /* no DELETE is sent any more */
    struct guard guard;
};

static const char interrupted[] = "interrupted before it was sent";
static const char no_memory[] = "no memory, nothing was sent";
static const char ending[] = "the program is ending, nothing was sent";
static const char too_late[] = "the audit log took too long, nothing was sent";
static const char unrecorded[] =
    "the disk of the audit log does not answer: what became of it will be "
    "recorded when it does";

static void check_invariants(const struct deletion *x)
{
    assert(dispatch_is_under_way(&x->dispatch) == (x->state == DISPATCHED));
    assert(x->state != INTENT || x->dispatch.state == DISPATCH_IDLE);
    assert(x->state != OUTCOME || x->err < 0 || x->dispatch.state == DISPATCH_ENDED);
    enum progress progress = x->again ? PROGRESS_STALLED : PROGRESS_UNDER_WAY;
    assert(x->state == OUTCOME || x->connector->progress == progress);
    (void)progress;
    assert(x->connector->pins > 0);
    assert(!x->abandoned || x->done == NULL);
    (void)x;
}

static void deletion_free(struct deletion *x)
{
    dispatch_cancel(&x->dispatch);
    loop_timer_clear(&x->patience);
    TAILQ_REMOVE(&x->all->list, x, link);
    x->all->under_way--;
    x->connector->pins--;
    free(x);
}

static void tell(struct deletion *x, int err)
{
    deletion_done_fn *tell_end = x->done;
    x->done = NULL;
    if (tell_end != NULL)
        tell_end(x->arg, err);
}

static void on_outcome_written(void *arg, int err)
{
    struct deletion *x = arg;
    (void)err; /* logged by audit.c; what the service did is done */
    tell(x, x->err);
    deletion_free(x);
}

static enum audit_result result_of(const struct deletion *x)
{
    if (x->err == 0)
        return AUDIT_DONE;
    return x->dispatch.unsure ? AUDIT_UNKNOWN : AUDIT_FAILED;
}

static void note(const struct deletion *x, int err, const char *reason, const char *hint)
{
    const struct deletion_parts *p = &x->all->parts;
    bool refused = x->dispatch.answered && x->dispatch.result.err < 0;
    struct journal_note note = {.operation = request_op_name(x->record.op),
                                .id = x->record.id,
                                .label = x->record.label,
                                .who = &x->record.who,
                                .err = err,
                                .result = refused ? &x->dispatch.result : NULL,
                                .reason = reason,
                                .hint = hint,
                                .each = x->record.bulk};
    journal_add(p->journal, &note);
    log_line(p->log, err == -EINTR ? LOG_INFO : LOG_WARNING, "%s of %s failed: %s", note.operation,
             note.id, reason);
}

/* A DELETE that failed by its answer, after an answer that said yes, or without any. */
static void note_failure(const struct deletion *x, const char *reason)
{
    static const char said_yes[] =
        "the service said yes to the DELETE: write to .bigdatafs/refresh "
        "and look whether the connector is archived, before you try again";
    bool yes = x->dispatch.answered && x->dispatch.result.err == 0;
    note(x, x->err, reason, yes ? said_yes : NULL);
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

/* Until the deadline, or for a moment when that has passed: a disk that answers takes no longer. */
static void set_patience(struct deletion *x)
{
    struct loop *loop = x->all->parts.loop;
    uint64_t now = loop_now(loop), until = x->dispatch.request.deadline_ms;
    uint64_t least = now + DELETION_PATIENCE_MS;
    loop_timer_set(loop, &x->patience, (until > least ? until : least) - now);
}

/* The disk of the audit log does not answer: who waits is told what is known. Without its intent on
 * the disk nothing is sent, whenever that comes. */
static void on_patience_end(void *arg)
{
    struct deletion *x = arg;
    bool ended = x->state == OUTCOME;
    int err = ended ? x->err : -EIO;
    note(x, ended && err == 0 ? -EIO : err, ended ? unrecorded : too_late, NULL);
    x->late = !ended;
    x->abandoned = x->abandoned || !ended;
    tell(x, err);
}

/* Writes the outcome, after which the deletion ends: it may be freed when this returns. */
static void record_outcome(struct deletion *x, const char *reason)
{
    struct audit *audit = x->all->parts.audit;
    bool gone = x->err == 0 && x->dispatch.gone && x->record.op == REQUEST_FORCE_DELETE;
    const struct audit_record record = x->record;
    struct audit_outcome outcome = {.result = result_of(x),
                                    .err = x->err,
                                    .status = x->dispatch.result.status,
                                    .requests = x->dispatch.requests,
                                    .reason = x->err < 0 ? reason : ""};
    set_patience(x);
    audit_outcome(audit, &x->record, &outcome, on_outcome_written, x);
    if (gone) /* nothing follows it that would say so */
        audit_resolved(audit, &record, AUDIT_GONE);
}

/* Everything is known that will be. reason is for err < 0. The deletion may be freed when this
 * returns. */
static void conclude(struct deletion *x, int err, const char *reason)
{
    struct deletions *d = x->all;
    x->state = OUTCOME;
    x->err = err;
    count_end(&d->stats, x);
    if (!x->record.bulk)
        guard_end(&d->guard, loop_now(d->parts.loop));
    if (x->connector->progress == PROGRESS_UNDER_WAY)
        catalogue_set_progress(d->parts.catalogue, x->connector, PROGRESS_IDLE);
    if (x->again)
        follows_release(d->follows, x->connector);
    check_invariants(x);
    if (err < 0)
        note_failure(x, reason);
    if (result_of(x) == AUDIT_UNKNOWN)
        resolutions_add(d->resolutions, &x->record);
    record_outcome(x, reason);
}

static void on_dispatched(void *arg)
{
    struct deletion *x = arg;
    const struct dispatch *dispatch = &x->dispatch;
    if (x->record.op == REQUEST_FORCE_DELETE && dispatch->err == 0 && !dispatch->gone)
        follows_add(x->all->follows, x->connector, &x->record);
    conclude(x, dispatch->err, dispatch->reason);
}

static void on_intent_written(void *arg, int err)
{
    struct deletion *x = arg;
    char reason[SENTENCE_MAX];
    loop_timer_clear(&x->patience);
    if (err < 0) {
        snprintf(reason, sizeof reason, "the audit log cannot be written (%s), nothing was sent",
                 strerror(-err));
        conclude(x, -EIO, reason);
    } else if (x->abandoned && !x->late) {
        conclude(x, -EINTR, interrupted);
    } else if (x->all->stopping) {
        conclude(x, -EIO, ending);
    } else if (x->late || loop_now(x->all->parts.loop) >= x->dispatch.request.deadline_ms) {
        conclude(x, -EIO, too_late);
    } else {
        x->state = DISPATCHED;
        dispatch_start(&x->dispatch);
    }
}

static void on_dry_run_intent(void *arg, int err)
{
    conclude(arg, err == 0 ? -EPERM : -EIO,
             err == 0 ? "would delete: -o dry_run sends nothing" : strerror(-err));
}

static int refuse(struct deletions *d, const struct deletion_request *request, int err,
                  const char *reason)
{
    const char *operation = request_op_name(request->op), *id = request->connector->id;
    char label[SNAPSHOT_LABEL_SIZE];
    int unlabelled = snapshot_label(request->connector->snapshot, label);
    (void)unlabelled; /* then the id alone tells which it is */
    struct journal_note note = {.operation = operation,
                                .id = id,
                                .label = label,
                                .who = &request->who,
                                .err = err,
                                .reason = reason,
                                .each = request->bulk};
    journal_add(d->parts.journal, &note);
    d->stats.refused++;
    /* Two who want the same are no trouble; everything else is worth a look. */
    log_line(d->parts.log, err == -EBUSY ? LOG_INFO : LOG_WARNING, "%s of %s refused: %s",
             operation, id, reason);
    return err;
}

/* The deletion of the connector whose end is not known yet, or NULL. */
static struct deletion *find_begun(const struct deletions *d, const struct connector *connector)
{
    struct deletion *x = TAILQ_FIRST(&d->list);
    while (x != NULL && (x->connector != connector || x->state == OUTCOME))
        x = TAILQ_NEXT(x, link);
    return x;
}

/* Whether it is a hard delete that the service accepted once and has not shown any more of, and
 * that nobody asks for again at this moment. */
static bool is_lost(const struct deletions *d, const struct deletion_request *request)
{
    return request->op == REQUEST_FORCE_DELETE &&
           request->connector->progress == PROGRESS_STALLED &&
           find_begun(d, request->connector) == NULL;
}

static int may_start(struct deletions *d, const struct deletion_request *request)
{
    const struct audit *audit = d->parts.audit;
    char reason[SENTENCE_MAX];
    if (d->closed)
        return refuse(d, request, -EIO, ending);
    if (!deletion_kinds_allow(d->options.kinds, request->op)) {
        snprintf(reason, sizeof reason, "this mount sends no %s: -o delete=%s",
                 request_op_name(request->op), deletion_kinds_word(d->options.kinds));
        return refuse(d, request, -EPERM, reason);
    }
    if (request->connector->progress != PROGRESS_IDLE && !is_lost(d, request))
        return refuse(d, request, -EBUSY, "a deletion of it is under way already");
    if (audit_state(audit) < 0) {
        snprintf(reason, sizeof reason, "the audit log %s cannot be written (%s), nothing was sent",
                 audit_path(audit), strerror(-audit_state(audit)));
        return refuse(d, request, -EIO, reason);
    }
    if (!request->bulk && !guard_begin(&d->guard, loop_now(d->parts.loop))) {
        snprintf(reason, sizeof reason,
                 "the guard stopped more than %u deletions in one go, nothing was sent; see "
                 "-o guard=",
                 d->guard.most);
        return refuse(d, request, -EDQUOT, reason);
    }
    return 0;
}

/* The guard let it through, and it cannot begin. */
static int not_begun(struct deletions *d, const struct deletion_request *request, int err)
{
    if (!request->bulk)
        guard_end(&d->guard, loop_now(d->parts.loop));
    return refuse(d, request, err, no_memory);
}

static int deletion_init(struct deletion *x, struct deletions *d,
                         const struct deletion_request *request)
{
    *x = (struct deletion){.all = d,
                           .connector = request->connector,
                           .record = {.op = request->op,
                                      .who = request->who,
                                      .bulk = request->bulk,
                                      .dry_run = d->options.dry_run},
                           .again = request->connector->progress == PROGRESS_STALLED,
                           .done = request->done,
                           .arg = request->arg};
    memcpy(x->record.id, request->connector->id, sizeof x->record.id);
    x->record.age_s = loop_now(d->parts.loop) / 1000 - request->connector->confirmed_s;
    struct dispatch_request dispatch = {.loop = d->parts.loop,
                                        .api = d->parts.api,
                                        .catalogue = d->parts.catalogue,
                                        .op = request->op,
                                        .connector = request->connector,
                                        .deadline_ms = api_deadline(d->parts.api),
                                        .look_first = x->again,
                                        .done = on_dispatched,
                                        .arg = x};
    dispatch_init(&x->dispatch, &dispatch);
    loop_timer_init(&x->patience, on_patience_end, x);
    return snapshot_label(request->connector->snapshot, x->record.label);
}

/* The deletion of the connector that this very caller asked for, until a signal took it away. */
static struct deletion *find_interrupted(const struct deletions *d,
                                         const struct deletion_request *request)
{
    const struct requester *who = &request->who;
    struct deletion *x = NULL;
    if (request->connector->progress != PROGRESS_IDLE)
        x = find_begun(d, request->connector);
    bool same = x != NULL && x->abandoned && x->record.op == request->op &&
                x->record.who.uid == who->uid && x->record.who.pid == who->pid;
    return same ? x : NULL;
}

static void join(struct deletion *x, const struct deletion_request *request)
{
    x->abandoned = x->late = false;
    x->done = request->done;
    x->arg = request->arg;
    if (x->state == INTENT)
        set_patience(x);
    check_invariants(x);
}

int deletion_start(struct deletions *d, const struct deletion_request *request,
                   struct deletion **out)
{
    *out = find_interrupted(d, request);
    if (*out != NULL) {
        join(*out, request);
        return 0;
    }
    int err = may_start(d, request);
    if (err < 0)
        return err;
    struct connector *connector = request->connector;
    struct deletion *x = calloc(1, sizeof *x);
    if (x == NULL)
        return not_begun(d, request, -ENOMEM);
    err = deletion_init(x, d, request);
    if (err == 0)
        err = audit_intent(d->parts.audit, &x->record, connector->snapshot,
                           d->options.dry_run ? on_dry_run_intent : on_intent_written, x);
    if (err < 0) {
        free(x);
        return not_begun(d, request, err);
    }
    TAILQ_INSERT_TAIL(&d->list, x, link);
    d->under_way++;
    connector->pins++;
    if (!x->again)
        catalogue_set_progress(d->parts.catalogue, connector, PROGRESS_UNDER_WAY);
    else
        follows_hold(d->follows, connector);
    set_patience(x);
    check_invariants(x);
    *out = x;
    return 0;
}

void deletion_abandon(struct deletion *x)
{
    x->done = NULL;
    x->abandoned = true;
    if (x->state == DISPATCHED)
        dispatch_abandon(&x->dispatch);
}

void deletions_recover(struct deletions *d)
{
    struct guard_history history = {0};
    resolutions_recover(d->resolutions, &history);
    guard_recall(&d->guard, &history, clock_now_s(), loop_now(d->parts.loop));
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
        if (x->state == DISPATCHED) /* not EINTR, after which some shells would write again */
            dispatch_stop(&x->dispatch, -EIO, "the program ended before the answer came");
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
    for (const struct deletion *x = TAILQ_FIRST(&d->list); x != NULL; x = TAILQ_NEXT(x, link)) {
        int err = job_render(to, &x->record, "under way", JOB_NO_TIME);
        if (err < 0)
            return err;
    }
    return follows_render(d->follows, to);
}

unsigned deletions_in_go(const struct deletions *d)
{
    return guard_count(&d->guard, loop_now(d->parts.loop));
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
    d->guard.most = options->guard;
    TAILQ_INIT(&d->list);
    struct follow_parts follow = {.loop = parts->loop,
                                  .log = parts->log,
                                  .api = parts->api,
                                  .catalogue = parts->catalogue,
                                  .audit = parts->audit};
    int err = follows_new(&follow, &d->follows);
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
    free(d);
}
