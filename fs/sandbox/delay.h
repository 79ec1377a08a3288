/*
 * delay: calls back after a fixed time, for any number of waiters, with one thread.
 *
 * The waiter is part of the caller's object and is the caller's again when wake is called, which
 * happens exactly once for each, on the thread of delay or, after delay_stop, of delay_add.
 */
#ifndef BIGDATAFS_SANDBOX_DELAY_H
#define BIGDATAFS_SANDBOX_DELAY_H

#include <stdint.h>

#include "compiler.h"

struct delay_waiter {
    struct delay_waiter *next;
    int64_t due; /* monotonic, nanoseconds */
    void (*wake)(void *arg);
    void *arg;
};

struct delay;

int delay_start(int64_t milliseconds, struct delay **out) MUST_CHECK;
void delay_add(struct delay *d, struct delay_waiter *w);

/* Wakes all who wait, ends the thread; from then on delay_add wakes at once. NULL is fine. */
void delay_stop(struct delay *d);
void delay_free(struct delay *d); /* after delay_stop; NULL is fine */

#endif
