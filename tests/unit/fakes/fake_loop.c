#include "fake_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { START_MS = 1000000, TURNS_MAX = 100000 };

TAILQ_HEAD(timers, loop_timer);

struct loop {
    uint64_t now_ms, turn;
    struct timers timers; /* the soonest first */
    bool yield, stopped;
};

/* The soonest timer, if it is due by then. */
static struct loop_timer *due_by(const struct loop *l, uint64_t ms)
{
    struct loop_timer *first = TAILQ_FIRST(&l->timers);
    return first != NULL && first->at_ms <= ms ? first : NULL;
}

int loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->now_ms = START_MS;
    TAILQ_INIT(&l->timers);
    *out = l;
    return 0;
}

void loop_free(struct loop *l)
{
    free(l);
}

int loop_add(struct loop *l, struct loop_watch *w, uint32_t epoll_events)
{
    (void)l, (void)w, (void)epoll_events;
    return 0;
}

int loop_change(struct loop *l, struct loop_watch *w, uint32_t epoll_events)
{
    (void)l, (void)w, (void)epoll_events;
    return 0;
}

void loop_remove(struct loop *l, struct loop_watch *w)
{
    (void)l, (void)w;
}

void loop_set_poll(struct loop *l, loop_poll_fn *poll, void *arg)
{
    (void)l, (void)poll, (void)arg;
}

uint64_t loop_now(const struct loop *l)
{
    return l->now_ms;
}

void loop_timer_init(struct loop_timer *t, loop_due_fn *due, void *arg)
{
    *t = (struct loop_timer){.due = due, .arg = arg};
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms)
{
    loop_timer_clear(t);
    t->loop = l;
    t->turn = l->turn;
    t->at_ms = l->now_ms + delay_ms;
    struct loop_timer *before = TAILQ_LAST(&l->timers, timers);
    while (before != NULL && before->at_ms > t->at_ms)
        before = TAILQ_PREV(before, timers, entry);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&l->timers, before, t, entry);
    else
        TAILQ_INSERT_HEAD(&l->timers, t, entry);
}

void loop_timer_clear(struct loop_timer *t)
{
    if (t->loop == NULL)
        return;
    TAILQ_REMOVE(&t->loop->timers, t, entry);
    t->loop = NULL;
}

bool loop_timer_is_set(const struct loop_timer *t)
{
    return t->loop != NULL;
}

bool loop_should_yield(const struct loop *l)
{
    return l->yield;
}

uint64_t loop_longest_turn_us(const struct loop *l)
{
    (void)l;
    return 0;
}

int loop_run(struct loop *l)
{
    l->stopped = false;
    for (unsigned n = 0; !l->stopped && !TAILQ_EMPTY(&l->timers) && n < TURNS_MAX; n++) {
        if (due_by(l, l->now_ms) == NULL)
            l->now_ms = TAILQ_FIRST(&l->timers)->at_ms;
        fake_loop_turn(l);
    }
    return 0;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

void fake_loop_turn(struct loop *l)
{
    l->turn++;
    struct loop_timer *t;
    while ((t = due_by(l, l->now_ms)) != NULL) {
        if (t->turn == l->turn)
            return;
        loop_timer_clear(t);
        t->due(t->arg);
    }
}

void fake_loop_settle(struct loop *l)
{
    for (unsigned n = 0; due_by(l, l->now_ms) != NULL; n++) {
        if (n == TURNS_MAX) {
            fprintf(stderr, "the timers never come to rest\n");
            abort();
        }
        fake_loop_turn(l);
    }
}

void fake_loop_advance(struct loop *l, uint64_t ms)
{
    uint64_t until = l->now_ms + ms;
    fake_loop_settle(l);
    const struct loop_timer *next;
    while ((next = due_by(l, until)) != NULL) {
        l->now_ms = next->at_ms;
        fake_loop_settle(l);
    }
    l->now_ms = until;
}

void fake_loop_jump(struct loop *l, uint64_t ms)
{
    l->now_ms += ms;
}

void fake_loop_set_yield(struct loop *l, bool yield)
{
    l->yield = yield;
}

unsigned fake_loop_timers(const struct loop *l)
{
    unsigned count = 0;
    const struct loop_timer *t = TAILQ_FIRST(&l->timers);
    for (; t != NULL; t = TAILQ_NEXT(t, entry))
        count++;
    return count;
}

bool fake_loop_is_stopped(const struct loop *l)
{
    return l->stopped;
}
