#include "fake_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { START_MS = 1000000, TURNS_MAX = 100000 };

struct loop {
    uint64_t now_ms, turn;
    struct loop_timer timers; /* head of a ring, soonest first */
    bool yield, stopped;
};

int loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->now_ms = START_MS;
    l->timers.next = l->timers.prev = &l->timers;
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
    struct loop_timer *before = l->timers.prev;
    while (before != &l->timers && before->at_ms > t->at_ms)
        before = before->prev;
    t->prev = before;
    t->next = before->next;
    before->next->prev = t;
    before->next = t;
}

void loop_timer_clear(struct loop_timer *t)
{
    if (t->next == NULL)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

bool loop_timer_is_set(const struct loop_timer *t)
{
    return t->next != NULL;
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
    for (unsigned n = 0; !l->stopped && l->timers.next != &l->timers && n < TURNS_MAX; n++) {
        if (l->timers.next->at_ms > l->now_ms)
            l->now_ms = l->timers.next->at_ms;
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
    while (l->timers.next != &l->timers && l->timers.next->at_ms <= l->now_ms) {
        struct loop_timer *t = l->timers.next;
        if (t->turn == l->turn)
            return;
        loop_timer_clear(t);
        t->due(t->arg);
    }
}

void fake_loop_settle(struct loop *l)
{
    for (unsigned n = 0; l->timers.next != &l->timers && l->timers.next->at_ms <= l->now_ms; n++) {
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
    while (l->timers.next != &l->timers && l->timers.next->at_ms <= until) {
        l->now_ms = l->timers.next->at_ms;
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
    for (const struct loop_timer *t = l->timers.next; t != &l->timers; t = t->next)
        count++;
    return count;
}

bool fake_loop_is_stopped(const struct loop *l)
{
    return l->stopped;
}
