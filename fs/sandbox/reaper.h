/*
 * worker: the thread that carries out hard deletes.
 *
 * Each connector marked for deletion loses files at the given rate, all of them in parallel, and
 * then goes. What was marked when the worker starts, by an earlier process, goes on at once.
 */
#ifndef BIGDATAFS_SANDBOX_REAPER_H
#define BIGDATAFS_SANDBOX_REAPER_H

#include <stdint.h>

#include "compiler.h"
#include "store.h"

struct worker;

/* files_per_second 0: all files at once. The store must outlive the worker. */
int worker_start(struct store *s, int64_t files_per_second, struct worker **out) MUST_CHECK;

/* To be called after a connector was marked. Any thread. */
void worker_wake(struct worker *w);

/* Ends the thread after the batch under way; NULL is fine. */
void worker_stop(struct worker *w);

#endif
