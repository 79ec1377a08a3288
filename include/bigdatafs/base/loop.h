/*
 * loop: the event loop in which the whole program runs: descriptors (by epoll) and timers, in one
 * thread. Handlers run one at a time and never block.
 *
 * The loop works in turns. A turn waits for events, calls the handlers of those that came (at most
 * LOOP_EVENTS_MAX), and then fires the timers that are due.
 *
 * Watches and timers are embedded in the structs of their callers. The loop borrows a watch from
 * loop_add to loop_remove and a timer while it is set. A handler may add, remove, set or clear any
 * of them, its own too: one that is removed or cleared is not called any more, not even for an
 * event of the same turn.
 *
 * Times are milliseconds of CLOCK_BOOTTIME, and timers wake the loop by it: what a suspend lasted
 * counts for every age and every deadline.
 */
#ifndef BIGDATAFS_BASE_LOOP_H
#define BIGDATAFS_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bigdatafs/base/compiler.h"

enum {
    LOOP_EVENTS_MAX = 64,
    LOOP_SPIN_NS = 40000, /* how long a busy loop stays awake without work: see loop_set_poll */
    LOOP_POLL_MAX = 64,   /* pieces of work that the poll function does before epoll is asked */
    LOOP_POLL_SHARE = 4,  /* epoll is asked at every fourth try as well */
    LOOP_SLICE_US = 2000, /* how long work in many steps may take before loop_should_yield */
};

struct loop;

typedef void loop_ready_fn(void *arg, uint32_t events);
typedef void loop_due_fn(void *arg);

struct loop_watch {
    int fd;
    loop_ready_fn *ready;
    void *arg;
};

struct loop_timer {
    loop_due_fn *due;
    void *arg;
    /* For loop.c alone. */
    struct loop *loop; /* NULL: the timer is not set */
    uint64_t at_ms;    /* when it is due */
    uint64_t turn;     /* in which it was set */
    TAILQ_ENTRY(loop_timer) entry;
};

int loop_new(struct loop **out) MUST_CHECK;
void loop_free(struct loop *l); /* NULL is fine; nothing may be watched any more */

int loop_add(struct loop *l, struct loop_watch *w, uint32_t epoll_events) MUST_CHECK;
int loop_change(struct loop *l, struct loop_watch *w, uint32_t epoll_events) MUST_CHECK;
void loop_remove(struct loop *l, struct loop_watch *w);

/* The poll function looks for work by itself, at one descriptor that is watched as well: it reads
 * there, does what it finds and returns true, or returns false at once when there is nothing.
 *
 * A client that works through a tree sends its next request some microseconds after each answer. So
 * after a turn with events the loop does not sleep until nothing came for LOOP_SPIN_NS: it calls
 * the poll function over and over, since a read that finds nothing costs less than to ask epoll,
 * and yields the processor after each call in vain. LOOP_POLL_MAX and LOOP_POLL_SHARE keep the
 * other descriptors and the timers from starving. A NULL function ends it. */
typedef bool loop_poll_fn(void *arg);
void loop_set_poll(struct loop *l, loop_poll_fn *poll, void *arg);

/* The time as it was when this turn came to its events, or later to its timers. It is cheap. */
uint64_t loop_now(const struct loop *l);

void loop_timer_init(struct loop_timer *t, loop_due_fn *due, void *arg);
/* Sets the timer, or moves it: it fires once, delay_ms after loop_now. A delay of 0 means the next
 * turn, after the events that came meanwhile. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms);
void loop_timer_clear(struct loop_timer *t); /* a timer of zeros is not set and may be cleared */
bool loop_timer_is_set(const struct loop_timer *t);

/* Whether this turn has lasted for LOOP_SLICE_US. Work in many steps asks this between two of them,
 * and goes on in the next turn, from a timer with a delay of 0. */
bool loop_should_yield(const struct loop *l);

/* How long the longest turn lasted so far, in microseconds, its wait not counted: so long may a
 * request have waited for others. */
uint64_t loop_longest_turn_us(const struct loop *l);

/* Runs until loop_stop is called: 0, or a negative errno of epoll. It may be called again then. */
int loop_run(struct loop *l) MUST_CHECK;
void loop_stop(struct loop *l);

#endif
