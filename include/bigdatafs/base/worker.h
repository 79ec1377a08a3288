/*
 * worker: one helper thread for calls that may block: kernel notifications, fsync. It takes jobs
 * from a queue in order, runs them, and hands them back to the loop's thread.
 *
 * A job is embedded in its owner's allocation and belongs to the worker from submit until done is
 * called. run sees nothing but the job: plain values, no shared state. The queue has no maximum
 * of its own: each submitter states one.
 */
#ifndef BIGDATAFS_BASE_WORKER_H
#define BIGDATAFS_BASE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/loop.h"

struct worker;

struct worker_job {
    struct worker_job *next;
    void (*run)(struct worker_job *job);  /* in the worker's thread */
    void (*done)(struct worker_job *job); /* in the loop's thread; may free the job */
};

/* Signals must be blocked before: the thread inherits the mask. */
int worker_start(struct loop *loop, struct worker **out) MUST_CHECK;

/* Blocks until every job that was submitted has run. Not for a worker whose jobs wait for the
 * loop. */
void worker_drain(struct worker *w);

/* No job that is queued or submitted from now on is run. Does not wait. */
void worker_close(struct worker *w);
/* Whether a job is running. */
bool worker_is_busy(struct worker *w);

/* Ends the thread after the job that it is running; the jobs still queued get done without run.
 * Blocks for that one job. NULL is fine. */
void worker_stop(struct worker *w);

void worker_submit(struct worker *w, struct worker_job *job);

/* The thread's id as the kernel shows it to others: what a FUSE request's pid holds. */
pid_t worker_tid(const struct worker *w);

#endif
