/* The worker and its thread. Nothing sleeps: a door that the test opens keeps a job running. */
#include "bigdatafs/base/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

enum { JOBS = 8, DRAIN_MS = 60000 };

/* A door that a job waits at until the test opens it, and that tells when one waits there. */
struct door {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open, reached;
};

struct bench;

struct job {
    struct worker_job job; /* first: a job is cast back */
    struct bench *bench;
    char name;
    struct door *door; /* to wait at; NULL: none */
    pid_t ran_in;
    unsigned resubmit; /* how often done submits it once more */
};

struct bench {
    struct loop *loop;
    struct worker *worker;
    struct job jobs[JOBS];
    struct door door;
    char ran[64]; /* the thread's, until the jobs are handed back */
    size_t ran_count;
    char done[64];
    size_t done_count, done_max; /* the loop stops at the maximum */
};

static void run(struct worker_job *job)
{
    struct job *j = (struct job *)job;
    struct bench *b = j->bench;
    b->ran[b->ran_count++] = j->name;
    j->ran_in = gettid();
    if (j->door == NULL)
        return;
    pthread_mutex_lock(&j->door->lock);
    j->door->reached = true;
    pthread_cond_broadcast(&j->door->changed);
    while (!j->door->open)
        pthread_cond_wait(&j->door->changed, &j->door->lock);
    pthread_mutex_unlock(&j->door->lock);
}

static void on_done(struct worker_job *job)
{
    struct job *j = (struct job *)job;
    struct bench *b = j->bench;
    b->done[b->done_count++] = j->name;
    if (b->done_count == b->done_max)
        loop_stop(b->loop);
    if (j->resubmit > 0) {
        j->resubmit--;
        worker_submit(b->worker, &j->job);
    }
}

static void set_up(struct bench *b)
{
    *b = (struct bench){0};
    pthread_mutex_init(&b->door.lock, NULL);
    pthread_cond_init(&b->door.changed, NULL);
    for (int i = 0; i < JOBS; i++)
        b->jobs[i] =
            (struct job){.job = {.run = run, .done = on_done}, .bench = b, .name = (char)('a' + i)};
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(worker_start(b->loop, &b->worker), 0);
}

static void tear_down(struct bench *b)
{
    worker_stop(b->worker);
    loop_free(b->loop);
    pthread_cond_destroy(&b->door.changed);
    pthread_mutex_destroy(&b->door.lock);
}

static void submit(struct bench *b, int first, int count)
{
    for (int i = first; i < first + count; i++)
        worker_submit(b->worker, &b->jobs[i].job);
}

/* Runs the loop until so many jobs are done, since the beginning. */
static void run_until_done(struct bench *b, size_t count)
{
    b->done_max = count;
    if (b->done_count < count)
        CHECK_INT(loop_run(b->loop), 0);
}

static void wait_until_reached(struct door *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->reached)
        pthread_cond_wait(&d->changed, &d->lock);
    pthread_mutex_unlock(&d->lock);
}

static void open_door(struct door *d)
{
    pthread_mutex_lock(&d->lock);
    d->open = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void test_jobs_run_in_order_in_one_thread(void)
{
    struct bench b;
    set_up(&b);
    submit(&b, 0, JOBS);
    run_until_done(&b, JOBS);
    CHECK_STR(b.ran, "abcdefgh");
    CHECK_STR(b.done, "abcdefgh");
    CHECK(worker_tid(b.worker) != gettid());
    for (int i = 0; i < JOBS; i++)
        CHECK_INT(b.jobs[i].ran_in, worker_tid(b.worker));
    tear_down(&b);
    CHECK_STR(b.done, "abcdefgh");
}

static void test_a_job_is_submitted_again_when_done(void)
{
    struct bench b;
    set_up(&b);
    b.jobs[0].resubmit = 5;
    submit(&b, 0, 1);
    run_until_done(&b, 6);
    CHECK_STR(b.ran, "aaaaaa");
    CHECK_STR(b.done, "aaaaaa");
    tear_down(&b);
}

static void test_busy(void)
{
    struct bench b;
    set_up(&b);
    CHECK(!worker_is_busy(b.worker));
    b.jobs[0].door = &b.door;
    submit(&b, 0, 1);
    wait_until_reached(&b.door);
    CHECK(worker_is_busy(b.worker));
    open_door(&b.door);
    CHECK(worker_drain(b.worker, DRAIN_MS));
    CHECK(!worker_is_busy(b.worker));
    tear_down(&b);
}

static void test_drain_runs_all_and_hands_none_back(void)
{
    struct bench b;
    set_up(&b);
    submit(&b, 0, JOBS);
    CHECK(worker_drain(b.worker, DRAIN_MS));
    CHECK_STR(b.ran, "abcdefgh");
    CHECK_STR(b.done, "");
    run_until_done(&b, JOBS);
    CHECK_STR(b.done, "abcdefgh");
    CHECK(worker_drain(b.worker, DRAIN_MS)); /* of nothing */
    tear_down(&b);
}

static void test_close_lets_none_begin(void)
{
    struct bench b;
    set_up(&b);
    b.jobs[0].door = &b.door;
    submit(&b, 0, 3);
    wait_until_reached(&b.door);
    worker_close(b.worker);
    submit(&b, 3, 1);
    open_door(&b.door);
    CHECK(worker_drain(b.worker, DRAIN_MS)); /* of the one that ran: the others never will */
    CHECK_STR(b.ran, "a");
    run_until_done(&b, 1);
    CHECK_STR(b.done, "a");
    tear_down(&b);
    CHECK_STR(b.ran, "a");
    CHECK_STR(b.done, "abcd");
}

static void test_stop_hands_all_back(void)
{
    struct bench b;
    set_up(&b);
    b.jobs[1].door = &b.door;
    submit(&b, 0, JOBS);
    wait_until_reached(&b.door); /* the first one has run and is not handed back yet */
    worker_close(b.worker);
    open_door(&b.door);
    tear_down(&b);
    CHECK_STR(b.ran, "ab");
    CHECK_STR(b.done, "abcdefgh");
}

static void test_stop_of_an_idle_worker(void)
{
    struct bench b;
    set_up(&b);
    tear_down(&b);
    worker_stop(NULL);
}

int main(void)
{
    test_jobs_run_in_order_in_one_thread();
    test_a_job_is_submitted_again_when_done();
    test_busy();
    test_drain_runs_all_and_hands_none_back();
    test_close_lets_none_begin();
    test_stop_hands_all_back();
    test_stop_of_an_idle_worker();
    return check_report();
}
