/*
 * loop: the event loop that the whole program runs in: descriptors (epoll) and timers, one
 * thread. Handlers run one at a time and never block.
 *
 * Watches and timers belong to their callers and are embedded in what they serve; the loop
 * borrows them between add and remove (set and clear). A handler may add or remove any of them,
 * its own too. Times are milliseconds of CLOCK_MONOTONIC.
 */
#ifndef BIGDATAFS_BASE_LOOP_H
#define BIGDATAFS_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"

enum {
    LOOP_EVENTS_MAX = 64, /* events taken in one turn */
    LOOP_SPIN_NS = 40000, /* how long the loop yields for more work before it sleeps */
    LOOP_POLL_MAX = 64,   /* calls of the favourite's function before others are looked at ... */
    LOOP_POLL_SHARE = 4,  /* ... as they are with one in so many that find nothing */
    LOOP_SLICE_US = 2000, /* after which long work leaves the rest to the next turn */
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
    uint64_t at_ms;
    uint64_t turn;                  /* loop.c's */
    struct loop_timer *next, *prev; /* both NULL when not set */
    struct loop *loop;
};

int loop_new(struct loop **out) MUST_CHECK;
void loop_free(struct loop *l); /* NULL is fine; nothing may be watched any more */

int loop_add(struct loop *l, struct loop_watch *w, uint32_t epoll_events) MUST_CHECK;
int loop_change(struct loop *l, struct loop_watch *w, uint32_t epoll_events) MUST_CHECK;
void loop_remove(struct loop *l, struct loop_watch *w);

/* The favourite: while the loop yields for more work it calls this again and again, in place of
 * waiting for the descriptor's event. True: something was done. NULL for none. */
typedef bool loop_poll_fn(void *arg);
void loop_set_poll(struct loop *l, loop_poll_fn *poll, void *arg);

/* The time when the events of this turn began to be handled, or its timers: cheap. */
uint64_t loop_now(const struct loop *l);

void loop_timer_init(struct loop_timer *t, loop_due_fn *due, void *arg);
/* Sets or moves the timer: it fires once, delay_ms from now; with 0 in the next turn, after the
 * events that came meanwhile. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms);
void loop_timer_clear(struct loop_timer *t);
bool loop_timer_is_set(const struct loop_timer *t);

/* Whether this turn has taken long enough: work that comes in many steps asks between two of them,
 * and goes on from a timer of 0. */
bool loop_should_yield(const struct loop *l);

/* The longest time between two waits so far, in microseconds: how long a request may have waited
 * for others. */
uint64_t loop_longest_turn_us(const struct loop *l);

/* Runs until loop_stop: 0, or a negative errno of epoll. May be called again after it. */
int loop_run(struct loop *l) MUST_CHECK;
void loop_stop(struct loop *l);

#endif
