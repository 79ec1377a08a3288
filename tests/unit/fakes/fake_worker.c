#include "fake_worker.h"

#include <errno.h>
#include <stdlib.h>

enum { TID = 4242 };

struct worker {
    struct worker_job *first, **last;
    struct worker_job *running;
    bool closed;
};

static struct worker *newest;

int worker_start(struct loop *loop, struct worker **out)
{
    (void)loop;
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    w->last = &w->first;
    *out = newest = w;
    return 0;
}

struct worker *fake_worker_newest(void)
{
    return newest;
}

void worker_submit(struct worker *w, struct worker_job *job)
{
    job->next = NULL;
    *w->last = job;
    w->last = &job->next;
}

bool fake_worker_run(struct worker *w)
{
    if (w->closed || w->running != NULL || w->first == NULL)
        return false;
    w->running = w->first;
    w->first = w->first->next;
    if (w->first == NULL)
        w->last = &w->first;
    w->running->run(w->running);
    return true;
}

bool fake_worker_finish(struct worker *w)
{
    struct worker_job *job = w->running;
    if (job == NULL)
        return false;
    w->running = NULL;
    job->done(job);
    return true;
}

unsigned fake_worker_settle(struct worker *w)
{
    unsigned count = 0;
    while (fake_worker_finish(w) || fake_worker_run(w))
        count++;
    return count / 2;
}

unsigned fake_worker_queued(const struct worker *w)
{
    unsigned count = 0;
    for (const struct worker_job *job = w->first; job != NULL; job = job->next)
        count++;
    return count;
}

void worker_drain(struct worker *w)
{
    while (w->running == NULL && fake_worker_run(w))
        fake_worker_finish(w);
}

void worker_close(struct worker *w)
{
    w->closed = true;
}

bool worker_is_busy(struct worker *w)
{
    return w->running != NULL;
}

void worker_stop(struct worker *w)
{
    if (w == NULL)
        return;
    w->closed = true;
    while (fake_worker_finish(w))
        ;
    while (w->first != NULL) {
        struct worker_job *job = w->first;
        w->first = job->next;
        job->done(job);
    }
    free(w);
}

pid_t worker_tid(const struct worker *w)
{
    (void)w;
    return TID;
}
