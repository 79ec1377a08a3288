/* What comes after the answer to a DELETE: hard deletes that run, outcomes that are unknown. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum {
    RECOVER_AT_ONCE = 16,
    RESOLUTION_LOOKS = 4, /* without progress, at a hard delete whose outcome is unknown */
};

/* Jobs */

static void on_job_due(void *arg);

static void job_free(struct job *job)
{
    loop_timer_clear(&job->timer);
    if (job->op != NULL)
        api_cancel(job->op);
    job->prev->next = job->next;
    job->next->prev = job->prev;
    job->all->job_count--;
    job->connector->pins--;
    snapshot_unref(job->last);
    free(job);
}

static void job_gone(struct job *job)
{
    struct deletions *d = job->all;
    struct connector *connector = job->connector;
    audit_resolved(d->audit, &job->record, "gone");
    log_info(d->log, "%s is deleted", connector->id);
    connector->pins++;
    job_free(job);
    if (connector_exists(connector))
        catalogue_learn_gone(d->catalogue, connector);
    catalogue_set_progress(d->catalogue, connector, PROGRESS_IDLE);
    connector->pins--;
}

static void job_seen(struct job *job, struct snapshot *now)
{
    struct deletions *d = job->all;
    if (!snapshot_has_text(job->last, now->text, now->text_len)) {
        snapshot_unref(job->last);
        job->last = snapshot_ref(now);
        job->progress_ms = loop_now(d->loop);
        int err = catalogue_learn(d->catalogue, now, NULL);
        if (err < 0)
            log_warning(d->log, "%s: %s", job->connector->id, strerror(-err));
    }
}

/* No progress counts, whether the service shows none or cannot be asked. */
static void note_progress(struct job *job)
{
    struct deletions *d = job->all;
    bool stalled = loop_now(d->loop) - job->progress_ms >= JOB_STALLED_MS;
    if (stalled && job->connector->progress != PROGRESS_STALLED)
        log_warning(d->log, "the hard delete of %s makes no progress", job->connector->id);
    catalogue_set_progress(d->catalogue, job->connector,
                           stalled ? PROGRESS_STALLED : PROGRESS_DELETING);
}

static void on_job_answer(void *arg, const struct api_result *r)
{
    struct job *job = arg;
    job->op = NULL;
    if (api_says_gone(r)) {
        job_gone(job);
        return;
    }
    if (r->err == 0)
        job_seen(job, r->snapshot);
    note_progress(job);
    job->delay_ms += job->delay_ms / 2;
    if (job->delay_ms > JOB_SLOWEST_MS)
        job->delay_ms = JOB_SLOWEST_MS;
    loop_timer_set(job->all->loop, &job->timer, job->delay_ms);
}

static void on_job_due(void *arg)
{
    struct job *job = arg;
    struct api_call call = {
        .deadline_ms = api_deadline(job->all->api), .done = on_job_answer, .arg = job};
    if (api_get(job->all->api, job->connector->id, &call, &job->op) < 0)
        loop_timer_set(job->all->loop, &job->timer, job->delay_ms);
}

void followup_start(struct deletions *d, struct connector *connector,
                    const struct audit_record *record)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        log_error(d->log, "no memory to follow the hard delete of %s", connector->id);
        return;
    }
    *job =
        (struct job){.all = d, .connector = connector, .record = *record, .delay_ms = JOB_FIRST_MS};
    job->progress_ms = loop_now(d->loop);
    job->prev = d->jobs.prev;
    job->next = &d->jobs;
    job->prev->next = job->next->prev = job;
    d->job_count++;
    connector->pins++;
    loop_timer_init(&job->timer, on_job_due, job);
    loop_timer_set(d->loop, &job->timer, job->delay_ms);
    catalogue_set_progress(d->catalogue, connector, PROGRESS_DELETING);
}

/* Unknown outcomes */

static void recover_next(struct deletions *d);

static const char *place_name(const struct connector *connector)
{
    if (!connector_exists(connector))
        return "gone";
    return connector->place == PLACE_ARCHIVED ? "archived" : "still there";
}

static void resolution_free(struct resolution *r)
{
    catalogue_unwait(&r->waiter);
    loop_timer_clear(&r->timer);
    snapshot_unref(r->seen);
    r->prev->next = r->next;
    r->next->prev = r->prev;
    r->all->resolving--;
    free(r);
}

static void look_again(struct resolution *r)
{
    loop_timer_set(r->all->loop, &r->timer, r->delay_ms);
    r->delay_ms = r->delay_ms < JOB_SLOWEST_MS / 2 ? r->delay_ms * 2 : JOB_SLOWEST_MS;
}

/* A hard delete may be running although its answer was lost: only one that shows no progress over
 * several looks is still there. */
static bool may_be_running(struct resolution *r, const struct connector *connector)
{
    if (r->record.op != REQUEST_FORCE_DELETE || connector == NULL || connector->snapshot == NULL)
        return false;
    struct snapshot *now = connector->snapshot;
    bool moved = r->seen != NULL && !snapshot_has_text(r->seen, now->text, now->text_len);
    snapshot_unref(r->seen);
    r->seen = snapshot_ref(now);
    if (moved) {
        r->looks = 0;
        r->delay_ms = JOB_FIRST_MS;
    }
    return ++r->looks < RESOLUTION_LOOKS;
}

static void on_resolved(void *arg, int err)
{
    struct resolution *r = arg;
    struct deletions *d = r->all;
    struct connector *connector = connectors_find(catalogue_connectors(d->catalogue), r->record.id);
    bool runs = r->accepted && connector_exists(connector);
    /* What was not seen is no look: only an answer tells that nothing moves. */
    bool wait =
        err < 0 || (runs ? connector_is_being_deleted(connector) : may_be_running(r, connector));
    if (wait) {
        look_again(r);
        return;
    }
    bool of_earlier_run = r->of_earlier_run;
    if (runs) {
        followup_start(d, connector, &r->record);
    } else {
        audit_resolved(d->audit, &r->record, place_name(connector));
        log_info(d->log, "%s, whose outcome was unknown, is %s", r->record.id,
                 place_name(connector));
    }
    resolution_free(r);
    if (of_earlier_run)
        recover_next(d);
}

static void on_look_due(void *arg)
{
    struct resolution *r = arg;
    int err;
    if (catalogue_ask(r->all->catalogue, r->record.id, &r->waiter, &err) != CATALOGUE_ASKED)
        on_resolved(r, err);
}

static void resolve(struct deletions *d, const struct audit_record *record, bool of_earlier_run,
                    bool was_accepted)
{
    struct resolution *r = d->stopping ? NULL : calloc(1, sizeof *r);
    if (r == NULL)
        return; /* the next mount resolves it */
    *r = (struct resolution){.all = d,
                             .record = *record,
                             .of_earlier_run = of_earlier_run,
                             .accepted = was_accepted,
                             .delay_ms = JOB_FIRST_MS,
                             .prev = d->resolutions.prev,
                             .next = &d->resolutions};
    r->waiter = (struct catalogue_waiter){.done = on_resolved, .arg = r};
    r->prev->next = r->next->prev = r;
    d->resolving++;
    loop_timer_init(&r->timer, on_look_due, r);
    loop_timer_set(d->loop, &r->timer, 0);
}

void followup_resolve(struct deletions *d, const struct audit_record *record)
{
    resolve(d, record, false, false);
}

/* Takes up what an earlier run left open, a few at a time. A hard delete that was accepted is
 * followed again; of everything else the service is asked what became of it. */
static void recover_next(struct deletions *d)
{
    while (d->earlier_next < d->earlier_count && d->resolving < RECOVER_AT_ONCE) {
        const struct audit_pending *p = &d->earlier[d->earlier_next++];
        struct connector *connector =
            connectors_find(catalogue_connectors(d->catalogue), p->record.id);
        if (p->accepted && connector_exists(connector) && !connector_is_being_deleted(connector))
            followup_start(d, connector, &p->record);
        else
            resolve(d, &p->record, true, p->accepted);
    }
}

void deletions_recover(struct deletions *d)
{
    if (audit_state(d->audit) < 0)
        return;
    int err = audit_recover(d->audit, &d->earlier, &d->earlier_count);
    if (err < 0)
        log_warning(d->log, "the audit log %s cannot be read: %s", audit_path(d->audit),
                    strerror(-err));
    if (d->earlier_count > 0)
        log_warning(d->log,
                    "%zu deletions of an earlier run have no end in the audit log: asking the "
                    "service",
                    d->earlier_count);
    recover_next(d);
}

void followup_free(struct deletions *d)
{
    while (d->jobs.next != &d->jobs)
        job_free(d->jobs.next);
    while (d->resolutions.next != &d->resolutions)
        resolution_free(d->resolutions.next);
}
