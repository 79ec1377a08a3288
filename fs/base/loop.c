#include "bigdatafs/base/loop.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct loop {
    int epoll_fd;
    bool stopping;
    uint64_t now_ns;
    uint64_t turn;            /* counts them */
    uint64_t turn_ns;         /* when this one began */
    uint64_t longest_ns;      /* how long one took */
    struct loop_timer timers; /* head of a ring, soonest first */
    loop_poll_fn *poll;
    void *poll_arg;
    struct epoll_event events[LOOP_EVENTS_MAX];
    int pending; /* events of this turn that are not handled yet start here ... */
    int taken;   /* ... and end here */
};

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        int err = -errno;
        free(l);
        return err;
    }
    l->timers.next = l->timers.prev = &l->timers;
    l->now_ns = clock_ns();
    *out = l;
    return 0;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    close(l->epoll_fd);
    free(l);
}

static int control(struct loop *l, int op, struct loop_watch *w, uint32_t epoll_events)
{
    struct epoll_event ev = {.events = epoll_events, .data.ptr = w};
    return epoll_ctl(l->epoll_fd, op, w->fd, &ev) == 0 ? 0 : -errno;
}

int loop_add(struct loop *l, struct loop_watch *w, uint32_t epoll_events)
{
    return control(l, EPOLL_CTL_ADD, w, epoll_events);
}

int loop_change(struct loop *l, struct loop_watch *w, uint32_t epoll_events)
{
    return control(l, EPOLL_CTL_MOD, w, epoll_events);
}

void loop_remove(struct loop *l, struct loop_watch *w)
{
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    /* An event of this turn that still waits for its handler must not reach a removed watch. */
    for (int i = l->pending; i < l->taken; i++)
        if (l->events[i].data.ptr == w)
            l->events[i].data.ptr = NULL;
}

uint64_t loop_now(const struct loop *l)
{
    return l->now_ns / 1000000;
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
    t->at_ms = loop_now(l) + delay_ms;
    /* New timers are mostly the latest, so look for the place from the end. */
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

static void fire_due_timers(struct loop *l)
{
    while (l->timers.next != &l->timers && l->timers.next->at_ms <= loop_now(l)) {
        struct loop_timer *t = l->timers.next;
        if (t->turn == l->turn) /* set in this turn: other events come first */
            return;
        loop_timer_clear(t);
        t->due(t->arg);
    }
}

static int sleep_ms(const struct loop *l)
{
    if (l->timers.next == &l->timers)
        return -1;
    uint64_t at = l->timers.next->at_ms, now = loop_now(l);
    if (at <= now)
        return 0;
    /* One more than the difference: now_ms is cut, and waking too early would spin. */
    return at - now < 60000 ? (int)(at - now) + 1 : 60000;
}

static void note_turn(struct loop *l, uint64_t now_ns)
{
    if (now_ns - l->turn_ns > l->longest_ns)
        l->longest_ns = now_ns - l->turn_ns;
}

/* Yields for more work, and takes the favourite's where it waits: a read there that finds nothing
 * costs less than to ask epoll. The number of events, 0 when there are none. */
static int spin(struct loop *l)
{
    uint64_t now = clock_ns(), end = now + LOOP_SPIN_NS;
    for (unsigned n = 1, served = 0; now < end && !l->stopping; n++) {
        if (l->poll != NULL && l->poll(l->poll_arg)) {
            now = clock_ns();
            note_turn(l, now);
            l->now_ns = l->turn_ns = now;
            end = now + LOOP_SPIN_NS;
            if (++served == LOOP_POLL_MAX)
                break;
            continue;
        }
        if (l->poll == NULL || n % LOOP_POLL_SHARE == 0) {
            int count = epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS_MAX, 0);
            if (count != 0)
                return count;
        }
        sched_yield();
        now = clock_ns();
    }
    return 0;
}

/* Waits for events. A client that works through a tree sends its next request some microseconds
 * after each answer: yielding for that long is far cheaper than to sleep and to be woken. */
static int wait_for_events(struct loop *l, bool busy)
{
    if (busy && sleep_ms(l) != 0) {
        int n = spin(l);
        if (n != 0 || l->stopping)
            return n;
        l->now_ns = clock_ns(); /* what was served may have set timers */
    }
    return epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS_MAX, sleep_ms(l));
}

void loop_set_poll(struct loop *l, loop_poll_fn *poll, void *arg)
{
    l->poll = poll;
    l->poll_arg = arg;
}

uint64_t loop_longest_turn_us(const struct loop *l)
{
    return l->longest_ns / 1000;
}

bool loop_should_yield(const struct loop *l)
{
    return clock_ns() - l->turn_ns >= LOOP_SLICE_US * UINT64_C(1000);
}

/* A turn begins with the events that were waited for and ends with the timers that are due. */
static void begin_turn(struct loop *l)
{
    l->now_ns = l->turn_ns = clock_ns();
    l->turn++;
}

static void end_turn(struct loop *l)
{
    l->now_ns = clock_ns();
    fire_due_timers(l);
    note_turn(l, clock_ns());
}

int loop_run(struct loop *l)
{
    l->stopping = false;
    bool busy = false;
    begin_turn(l);
    while (!l->stopping) {
        end_turn(l);
        if (l->stopping)
            break;
        int n = wait_for_events(l, busy);
        if (n < 0 && errno != EINTR)
            return -errno;
        begin_turn(l);
        l->taken = n > 0 ? n : 0;
        for (l->pending = 0; l->pending < l->taken;) {
            const struct epoll_event *ev = &l->events[l->pending++];
            struct loop_watch *w = ev->data.ptr;
            if (w != NULL)
                w->ready(w->arg, ev->events);
        }
        busy = l->taken > 0;
    }
    return 0;
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}
