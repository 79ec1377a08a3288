/*
 * worker: one helper thread for calls that may block, such as kernel notifications and fsync. It
 * takes jobs from a queue, runs them one after another in their order, and hands each back to the
 * loop's thread.
 *
 * A job is embedded in its owner's allocation and belongs to the worker from worker_submit until
 * its done is called: exactly once for each job, from a turn of the loop or from worker_stop. run
 * may use nothing but what the job holds and what never changes. The queue has no maximum of its
 * own: each submitter states one. All functions are for the loop's thread.
 */
#ifndef BIGDATAFS_BASE_WORKER_H
#define BIGDATAFS_BASE_WORKER_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/loop.h"

struct worker;

struct worker_job {
    STAILQ_ENTRY(worker_job) entry;       /* for worker.c alone */
    void (*run)(struct worker_job *job);  /* in the worker's thread */
    void (*done)(struct worker_job *job); /* in the loop's thread; it may free the job */
};

/* The thread inherits the mask of signals: block them before. */
int worker_start(struct loop *loop, struct worker **out) MUST_CHECK;

/* Blocks until every job that was submitted before has run, at most for max_ms: false when that was
 * not enough, and a job may be running that never ends. Not for a worker whose jobs wait for the
 * loop. */
bool worker_drain(struct worker *w, unsigned max_ms) MUST_CHECK;

/* From now on no job is run any more, neither those that are queued nor new ones; the one that is
 * running goes on. Does not wait. */
void worker_close(struct worker *w);

/* Whether a job is running. */
bool worker_is_busy(struct worker *w);

/* Waits for the job that is running, ends the thread, calls done for all jobs that are left, which
 * includes those that were never run, and frees the worker. NULL is fine. */
void worker_stop(struct worker *w);

void worker_submit(struct worker *w, struct worker_job *job);

/* The thread's id: FUSE requests that the thread causes hold it as their pid. */
pid_t worker_tid(const struct worker *w);

#endif
