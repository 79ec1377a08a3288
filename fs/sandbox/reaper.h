/*
 * reaper: the thread that carries out hard deletes.
 *
 * Each connector marked for deletion loses files at the given rate, all of them in parallel, and
 * then goes. What was marked by an earlier process goes on when the reaper starts.
 */
#ifndef BIGDATAFS_SANDBOX_REAPER_H
#define BIGDATAFS_SANDBOX_REAPER_H

#include <stdint.h>

#include "compiler.h"
#include "store.h"

struct reaper;

/* files_per_second 0: all files at once. The store must outlive the reaper. */
int reaper_start(struct store *s, int64_t files_per_second, struct reaper **out) MUST_CHECK;

/* To be called after a connector was marked. Any thread. */
void reaper_wake(struct reaper *r);

/* Ends the thread after the round under way. NULL is fine. */
void reaper_stop(struct reaper *r);

#endif
