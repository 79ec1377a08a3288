#include "fake_worker.h"

#include <errno.h>
#include <stdlib.h>

enum { TID = 4242 };

STAILQ_HEAD(jobs, worker_job);

struct worker {
    struct jobs todo;     /* submitted, and not run */
    struct jobs finished; /* run, and not handed back */
    bool closed;
};

static struct worker *newest;

int worker_start(struct loop *loop, struct worker **out)
{
    (void)loop;
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    STAILQ_INIT(&w->todo);
    STAILQ_INIT(&w->finished);
    *out = newest = w;
    return 0;
}

struct worker *fake_worker_newest(void)
{
    return newest;
}

void worker_submit(struct worker *w, struct worker_job *job)
{
    STAILQ_INSERT_TAIL(&w->todo, job, entry);
}

static struct worker_job *take_first(struct jobs *jobs)
{
    struct worker_job *job = STAILQ_FIRST(jobs);
    if (job != NULL)
        STAILQ_REMOVE_HEAD(jobs, entry);
    return job;
}

bool fake_worker_run(struct worker *w)
{
    struct worker_job *job = w->closed ? NULL : take_first(&w->todo);
    if (job == NULL)
        return false;
    job->run(job);
    STAILQ_INSERT_TAIL(&w->finished, job, entry);
    return true;
}

bool fake_worker_finish(struct worker *w)
{
    struct worker_job *job = take_first(&w->finished);
    if (job == NULL)
        return false;
    job->done(job);
    return true;
}

unsigned fake_worker_settle(struct worker *w)
{
    unsigned count = 0;
    do {
        while (fake_worker_finish(w))
            count++;
    } while (fake_worker_run(w));
    return count;
}

unsigned fake_worker_queued(const struct worker *w)
{
    unsigned count = 0;
    const struct worker_job *job = STAILQ_FIRST(&w->todo);
    for (; job != NULL; job = STAILQ_NEXT(job, entry))
        count++;
    return count;
}

bool worker_drain(struct worker *w, unsigned max_ms)
{
    (void)max_ms;
    while (fake_worker_run(w))
        ;
    return true;
}

void worker_close(struct worker *w)
{
    w->closed = true;
}

bool worker_is_busy(struct worker *w)
{
    return !STAILQ_EMPTY(&w->finished);
}

void worker_stop(struct worker *w)
{
    if (w == NULL)
        return;
    w->closed = true;
    while (fake_worker_finish(w))
        ;
    struct worker_job *job;
    while ((job = take_first(&w->todo)) != NULL)
        job->done(job);
    free(w);
}

pid_t worker_tid(const struct worker *w)
{
    (void)w;
    return TID;
}
