/* Hard deletes that were accepted run at the service: they are followed to their end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

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
    audit_resolved(d->audit, &job->record, AUDIT_GONE);
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

void followup_free(struct deletions *d)
{
    while (d->jobs.next != &d->jobs)
        job_free(d->jobs.next);
}
