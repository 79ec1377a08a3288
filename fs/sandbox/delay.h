/*
 * delay: calls back after a fixed time, for any number of waiters, with one thread.
 *
 * A waiter is a part of the caller's object. It is the caller's again when its wake is called. That
 * happens exactly once for each waiter: on the thread of delay or, after delay_stop, on the thread
 * that calls delay_add.
 */
#ifndef BIGDATAFS_SANDBOX_DELAY_H
#define BIGDATAFS_SANDBOX_DELAY_H

#include <stdint.h>
#include <sys/queue.h>

#include "compiler.h"

struct delay_waiter {
    STAILQ_ENTRY(delay_waiter) link;
    int64_t due; /* monotonic, nanoseconds */
    void (*wake)(void *arg);
    void *arg;
};

struct delay;

int delay_start(int64_t milliseconds, struct delay **out) MUST_CHECK;
void delay_add(struct delay *d, struct delay_waiter *w);

/* Wakes all who wait and ends the thread. From then on delay_add wakes at once. NULL is fine. */
void delay_stop(struct delay *d);
void delay_free(struct delay *d); /* after delay_stop; NULL is fine */

#endif
