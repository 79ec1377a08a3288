/*
 * fake_worker: worker.h without a thread: a job runs, and is done, when the test says so. So a test
 * can have anything happen between submit, run and done.
 */
#ifndef BIGDATAFS_TESTS_FAKE_WORKER_H
#define BIGDATAFS_TESTS_FAKE_WORKER_H

#include "bigdatafs/base/worker.h"

/* The worker that was started last: what is tested keeps its worker to itself. */
struct worker *fake_worker_newest(void);

/* Runs the oldest job; it is done only by fake_worker_finish. False: there is none, or one runs. */
bool fake_worker_run(struct worker *w);
/* Hands the job that ran back, by its done. False: there is none. */
bool fake_worker_finish(struct worker *w);
/* Both, until no job is left: how many there were. */
unsigned fake_worker_settle(struct worker *w);
unsigned fake_worker_queued(const struct worker *w);

#endif
