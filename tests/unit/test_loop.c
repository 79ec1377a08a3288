/* The loop with pipes and timers: what is called, and in which order, however slow the machine. */
#include "bigdatafs/base/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "check.h"

enum { ENDS = 3 };

struct bench;

/* A pipe with a byte in it, or a timer, that notes that it was called. */
struct end {
    struct bench *bench;
    char name;
    int fds[2];
    struct loop_watch watch;
    struct loop_timer timer;
    void (*then)(struct end *e); /* what it does besides */
    struct end *other;           /* for it */
};

struct bench {
    struct loop *loop;
    struct end ends[ENDS];
    struct loop_timer turn;
    unsigned turns;  /* to go */
    char called[64]; /* the names of pipes, and those of timers in capitals */
    size_t count;
    unsigned polls; /* calls of the poll function that find something, so many more */
};

static void note(struct bench *b, char name)
{
    if (CHECK(b->count < sizeof b->called - 1))
        b->called[b->count++] = name;
}

static void on_ready(void *arg, uint32_t events)
{
    struct end *e = arg;
    char byte;
    CHECK((events & EPOLLIN) != 0);
    CHECK_INT(read(e->fds[0], &byte, 1), 1);
    note(e->bench, e->name);
    if (e->then != NULL)
        e->then(e);
}

static void on_due(void *arg)
{
    struct end *e = arg;
    note(e->bench, (char)(e->name - 'a' + 'A'));
    if (e->then != NULL)
        e->then(e);
}

static void on_turn(void *arg)
{
    struct bench *b = arg;
    if (--b->turns == 0)
        loop_stop(b->loop);
    else
        loop_timer_set(b->loop, &b->turn, 0);
}

static void make_ready(struct end *e)
{
    CHECK_INT(write(e->fds[1], "", 1), 1);
}

static void set_up(struct bench *b)
{
    *b = (struct bench){0};
    CHECK_INT(loop_new(&b->loop), 0);
    loop_timer_init(&b->turn, on_turn, b);
    for (int i = 0; i < ENDS; i++) {
        struct end *e = &b->ends[i];
        e->bench = b;
        e->name = (char)('a' + i);
        CHECK_INT(pipe(e->fds), 0);
        e->watch = (struct loop_watch){.fd = e->fds[0], .ready = on_ready, .arg = e};
        CHECK_INT(loop_add(b->loop, &e->watch, EPOLLIN), 0);
        loop_timer_init(&e->timer, on_due, e);
    }
}

static void tear_down(struct bench *b)
{
    for (int i = 0; i < ENDS; i++) {
        loop_remove(b->loop, &b->ends[i].watch);
        loop_timer_clear(&b->ends[i].timer);
        close(b->ends[i].fds[0]);
        close(b->ends[i].fds[1]);
    }
    loop_free(b->loop);
}

/* The timers that are due, then a turn: the events that have come, and the timers. */
static void run_turn(struct bench *b)
{
    b->turns = 2;
    loop_timer_set(b->loop, &b->turn, 0);
    CHECK_INT(loop_run(b->loop), 0);
}

static void stop(struct end *e)
{
    loop_stop(e->bench->loop);
}

/* What was called since the last look. */
static void check_called(struct bench *b, const char *want, int line)
{
    check_bytes(b->called, b->count, want, strlen(want), __FILE__, line, "what was called");
    b->count = 0;
    memset(b->called, 0, sizeof b->called);
}
#define CHECK_CALLED(b, want) check_called(b, want, __LINE__)

static void set_other(struct end *e)
{
    loop_timer_set(e->bench->loop, &e->other->timer, 0);
}

static void test_events_come_before_timers(void)
{
    struct bench b;
    set_up(&b);
    loop_timer_set(b.loop, &b.ends[0].timer, 0);
    make_ready(&b.ends[1]);
    run_turn(&b);
    CHECK_CALLED(&b, "Ab"); /* that timer was due before the first turn */
    b.ends[1].then = set_other;
    b.ends[1].other = &b.ends[0];
    make_ready(&b.ends[1]);
    make_ready(&b.ends[2]);
    run_turn(&b);
    CHECK_CALLED(&b, "bc");
    b.ends[1].then = NULL;
    make_ready(&b.ends[1]);
    run_turn(&b);
    CHECK_CALLED(&b, "Ab");
    tear_down(&b);
}

static void set_all(struct end *e)
{
    struct bench *b = e->bench;
    e->then = NULL;
    loop_timer_set(b->loop, &b->ends[2].timer, 2);
    loop_timer_set(b->loop, &b->ends[1].timer, 0);
    loop_timer_set(b->loop, &b->ends[0].timer, 0);
    make_ready(e);
}

static void test_timers_fire_in_their_order(void)
{
    struct bench b;
    set_up(&b);
    b.ends[0].then = set_all;
    b.ends[2].then = stop;
    make_ready(&b.ends[0]);
    CHECK_INT(loop_run(b.loop), 0);
    /* A timer that a handler sets to 0 fires after the event that came meanwhile. */
    CHECK_CALLED(&b, "aaBAC");
    tear_down(&b);
}

static void test_moved_and_cleared_timers(void)
{
    struct bench b;
    struct loop_timer zeros = {0};
    set_up(&b);
    loop_timer_clear(&zeros);
    CHECK(!loop_timer_is_set(&zeros));
    CHECK(!loop_timer_is_set(&b.ends[0].timer));
    loop_timer_set(b.loop, &b.ends[0].timer, 0);
    loop_timer_set(b.loop, &b.ends[1].timer, 0);
    loop_timer_set(b.loop, &b.ends[2].timer, 60000);
    loop_timer_set(b.loop, &b.ends[0].timer, 1); /* behind the second one */
    loop_timer_set(b.loop, &b.ends[2].timer, 0);
    CHECK(loop_timer_is_set(&b.ends[0].timer));
    loop_timer_clear(&b.ends[2].timer);
    loop_timer_clear(&b.ends[2].timer);
    CHECK(!loop_timer_is_set(&b.ends[2].timer));
    b.ends[0].then = stop;
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_CALLED(&b, "BA");
    CHECK(!loop_timer_is_set(&b.ends[0].timer));
    tear_down(&b);
}

static void clear_other(struct end *e)
{
    loop_timer_clear(&e->other->timer);
}

static void test_a_timer_clears_one_that_is_due_as_well(void)
{
    struct bench b;
    set_up(&b);
    b.ends[0].then = clear_other;
    b.ends[0].other = &b.ends[1];
    for (int i = 0; i < ENDS; i++)
        loop_timer_set(b.loop, &b.ends[i].timer, 0);
    run_turn(&b);
    CHECK_CALLED(&b, "AC");
    tear_down(&b);
}

static void again(struct end *e)
{
    struct bench *b = e->bench;
    if (b->count >= 7)
        loop_stop(b->loop);
    else
        loop_timer_set(b->loop, &e->timer, 0);
    if (b->count == 1)
        make_ready(&b->ends[1]);
}

static void test_a_timer_set_in_its_own_handler(void)
{
    struct bench b;
    set_up(&b);
    b.ends[0].then = again;
    loop_timer_set(b.loop, &b.ends[0].timer, 0);
    CHECK_INT(loop_run(b.loop), 0);
    /* Once a turn: the event gets its share. */
    CHECK_CALLED(&b, "AbAAAAA");
    tear_down(&b);
}

static void remove_other(struct end *e)
{
    loop_remove(e->bench->loop, &e->other->watch);
}

static void test_a_watch_removed_by_another_in_the_same_turn(void)
{
    struct bench b;
    set_up(&b);
    for (int i = 0; i < ENDS; i++) {
        b.ends[i].then = remove_other;
        b.ends[i].other = &b.ends[(i + 1) % ENDS];
        make_ready(&b.ends[i]);
    }
    run_turn(&b);
    CHECK_CALLED(&b, "ac"); /* a removes b, which comes next; c removes a, which was called */
    tear_down(&b);
}

static void test_a_watch_removes_itself(void)
{
    struct bench b;
    set_up(&b);
    b.ends[0].then = remove_other;
    b.ends[0].other = &b.ends[0];
    make_ready(&b.ends[0]);
    make_ready(&b.ends[0]);
    make_ready(&b.ends[1]);
    run_turn(&b);
    CHECK_CALLED(&b, "ab");
    tear_down(&b);
}

static void test_a_watch_that_wants_nothing_for_a_while(void)
{
    struct bench b;
    set_up(&b);
    make_ready(&b.ends[0]);
    CHECK_INT(loop_change(b.loop, &b.ends[0].watch, 0), 0);
    run_turn(&b);
    CHECK_CALLED(&b, "");
    CHECK_INT(loop_change(b.loop, &b.ends[0].watch, EPOLLIN), 0);
    run_turn(&b);
    CHECK_CALLED(&b, "a");
    tear_down(&b);
}

static void test_errors(void)
{
    struct bench b;
    set_up(&b);
    struct loop_watch bad = {.fd = -1, .ready = on_ready};
    CHECK_INT(loop_add(b.loop, &bad, EPOLLIN), -EBADF);
    CHECK_INT(loop_change(b.loop, &bad, EPOLLIN), -EBADF);
    CHECK_INT(loop_add(b.loop, &b.ends[0].watch, EPOLLIN), -EEXIST);
    loop_free(NULL);
    tear_down(&b);
}

static void test_stop_and_run_again(void)
{
    struct bench b;
    set_up(&b);
    b.ends[0].then = stop;
    make_ready(&b.ends[0]);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_CALLED(&b, "a");
    make_ready(&b.ends[0]);
    loop_timer_set(b.loop, &b.ends[1].timer, 0);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_CALLED(&b, "Ba");
    tear_down(&b);
}

/* Finds work so many times, then stops the loop. */
static bool on_poll(void *arg)
{
    struct bench *b = arg;
    note(b, '.');
    if (--b->polls == 0)
        loop_stop(b->loop);
    return true;
}

static void test_the_poll_function_goes_on_while_it_finds_work(void)
{
    struct bench b;
    set_up(&b);
    b.polls = 5;
    loop_set_poll(b.loop, on_poll, &b);
    make_ready(&b.ends[0]); /* the loop is busy after a turn with events only */
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_CALLED(&b, "a.....");
    loop_set_poll(b.loop, NULL, NULL);
    make_ready(&b.ends[0]);
    run_turn(&b);
    CHECK_CALLED(&b, "a");
    tear_down(&b);
}

static bool find_nothing(void *arg)
{
    struct bench *b = arg;
    if (b->polls++ == 0)
        make_ready(&b->ends[1]);
    return false;
}

static void test_events_come_while_the_poll_function_finds_nothing(void)
{
    struct bench b;
    set_up(&b);
    loop_set_poll(b.loop, find_nothing, &b);
    b.ends[1].then = stop;
    make_ready(&b.ends[0]);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_CALLED(&b, "ab");
    CHECK(b.polls > 0);
    tear_down(&b);
}

static bool find_always(void *arg)
{
    struct bench *b = arg;
    if (b->polls++ == 0)
        make_ready(&b->ends[1]);
    return true;
}

static void test_events_come_while_the_poll_function_always_finds_work(void)
{
    struct bench b;
    set_up(&b);
    loop_set_poll(b.loop, find_always, &b);
    b.ends[1].then = stop;
    make_ready(&b.ends[0]);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_CALLED(&b, "ab");
    CHECK_INT(b.polls, LOOP_POLL_MAX);
    tear_down(&b);
}

static void work_for_long(struct end *e)
{
    uint64_t before = loop_now(e->bench->loop);
    while (!loop_should_yield(e->bench->loop))
        ;
    CHECK(loop_now(e->bench->loop) == before); /* it stands still within a handler */
}

static void test_time_within_a_turn(void)
{
    struct bench b;
    set_up(&b);
    b.ends[0].then = work_for_long;
    make_ready(&b.ends[0]);
    run_turn(&b);
    CHECK_CALLED(&b, "a");
    CHECK(loop_longest_turn_us(b.loop) >= LOOP_SLICE_US);
    tear_down(&b);
}

static bool on_long_poll(void *arg)
{
    struct bench *b = arg;
    work_for_long(&b->ends[0]);
    loop_stop(b->loop);
    return true;
}

static void test_the_poll_function_counts_as_a_turn(void)
{
    struct bench b;
    set_up(&b);
    loop_set_poll(b.loop, on_long_poll, &b);
    make_ready(&b.ends[0]);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK(loop_longest_turn_us(b.loop) >= LOOP_SLICE_US);
    tear_down(&b);
}

int main(void)
{
    test_events_come_before_timers();
    test_timers_fire_in_their_order();
    test_moved_and_cleared_timers();
    test_a_timer_clears_one_that_is_due_as_well();
    test_a_timer_set_in_its_own_handler();
    test_a_watch_removed_by_another_in_the_same_turn();
    test_a_watch_removes_itself();
    test_a_watch_that_wants_nothing_for_a_while();
    test_errors();
    test_stop_and_run_again();
    test_the_poll_function_goes_on_while_it_finds_work();
    test_events_come_while_the_poll_function_finds_nothing();
    test_events_come_while_the_poll_function_always_finds_work();
    test_time_within_a_turn();
    test_the_poll_function_counts_as_a_turn();
    return check_report();
}
