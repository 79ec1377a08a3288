#include "bigdatafs/base/loop.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

TAILQ_HEAD(timers, loop_timer);

struct loop {
    int epoll_fd;
    struct loop_watch alarm; /* a timerfd: the time-out of epoll_wait stands still in a suspend */
    bool stopping;
    uint64_t now_ns;
    uint64_t turn;        /* its number */
    uint64_t turn_ns;     /* when it began */
    uint64_t longest_ns;  /* the longest one took so long */
    struct timers timers; /* the soonest first */
    loop_poll_fn *poll;
    void *poll_arg;
    struct epoll_event events[LOOP_EVENTS_MAX]; /* of this turn */
    int taken;                                  /* how many they are */
    int handled;                                /* how many of them have been handled */
};

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void on_alarm(void *arg, uint32_t events)
{
    (void)events;
    struct loop *l = arg;
    uint64_t count;
    ssize_t n = read(l->alarm.fd, &count, sizeof count); /* else it would wake the loop again */
    (void)n;
}

static int open_fds(struct loop *l)
{
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0)
        return -errno;
    l->alarm.fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (l->alarm.fd < 0)
        return -errno;
    return loop_add(l, &l->alarm, EPOLLIN);
}

int loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->epoll_fd = -1;
    l->alarm = (struct loop_watch){.fd = -1, .ready = on_alarm, .arg = l};
    int err = open_fds(l);
    if (err < 0) {
        loop_free(l);
        return err;
    }
    TAILQ_INIT(&l->timers);
    l->now_ns = clock_ns();
    *out = l;
    return 0;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    if (l->alarm.fd >= 0)
        close(l->alarm.fd);
    if (l->epoll_fd >= 0)
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
    /* The watch may have an event of this turn that is still to be handled. */
    for (int i = l->handled; i < l->taken; i++)
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
    /* A new timer is mostly the latest, so its place is looked for from the end. */
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

static void fire_due_timers(struct loop *l)
{
    struct loop_timer *t;
    while ((t = TAILQ_FIRST(&l->timers)) != NULL && t->at_ms <= loop_now(l)) {
        if (t->turn == l->turn) /* it was set in this turn: other events come first */
            return;
        loop_timer_clear(t);
        t->due(t->arg);
    }
}

static bool is_timer_due(const struct loop *l)
{
    const struct loop_timer *first = TAILQ_FIRST(&l->timers);
    return first != NULL && first->at_ms <= loop_now(l);
}

/* Waits for events, until the first timer is due. Returns what epoll_wait does. */
static int sleep_until_due(struct loop *l)
{
    if (is_timer_due(l))
        return epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS_MAX, 0);
    const struct loop_timer *first = TAILQ_FIRST(&l->timers);
    struct itimerspec alarm = {0}; /* of zeros: never */
    if (first != NULL) {
        uint64_t ns = first->at_ms * 1000000 - l->now_ns;
        alarm.it_value.tv_sec = (time_t)(ns / 1000000000);
        alarm.it_value.tv_nsec = (long)(ns % 1000000000);
    }
    if (timerfd_settime(l->alarm.fd, 0, &alarm, NULL) < 0)
        return -1;
    return epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS_MAX, -1);
}

static void note_turn(struct loop *l, uint64_t now_ns)
{
    if (now_ns - l->turn_ns > l->longest_ns)
        l->longest_ns = now_ns - l->turn_ns;
}

/* Stays awake for more work and does what the poll function finds, as loop.h tells. Returns what
 * epoll_wait does: how many events there are, 0 when none came in time. */
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

/* Waits for events, first awake when the turn before had some. Returns what epoll_wait does. */
static int wait_for_events(struct loop *l, bool busy)
{
    if (busy && !is_timer_due(l)) {
        int n = spin(l);
        if (n != 0 || l->stopping)
            return n;
        l->now_ns = clock_ns(); /* the poll function may have set timers */
    }
    return sleep_until_due(l);
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

static void handle_events(struct loop *l, int count)
{
    l->taken = count;
    l->handled = 0;
    while (l->handled < l->taken) {
        const struct epoll_event *ev = &l->events[l->handled++];
        const struct loop_watch *w = ev->data.ptr;
        if (w != NULL) /* else it was removed by the handler of another one */
            w->ready(w->arg, ev->events);
    }
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
        handle_events(l, n > 0 ? n : 0);
        busy = l->taken > 0;
    }
    return 0;
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}
