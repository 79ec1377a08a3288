/*
 * fake_loop: loop.h with a clock that the test sets. Nothing is waited for: a timer fires when the
 * test moves the clock to it.
 */
#ifndef BIGDATAFS_TESTS_FAKE_LOOP_H
#define BIGDATAFS_TESTS_FAKE_LOOP_H

#include "bigdatafs/base/loop.h"

/* One turn: the timers that are due now, but those that are set meanwhile. */
void fake_loop_turn(struct loop *l);
/* Turns until no timer is due any more; at most 100,000, after which the test is aborted. */
void fake_loop_settle(struct loop *l);
/* Moves the clock on by ms, from timer to timer, and settles at each. */
void fake_loop_advance(struct loop *l, uint64_t ms);
/* Moves the clock on by ms, as when one turn took that long: what is due fires late, in the next.
 */
void fake_loop_jump(struct loop *l, uint64_t ms);
/* Whether long work is to leave the rest to the next turn. */
void fake_loop_set_yield(struct loop *l, bool yield);
/* Timers that are set; at 0 nothing would happen any more by itself. */
unsigned fake_loop_timers(const struct loop *l);
bool fake_loop_is_stopped(const struct loop *l);

#endif
