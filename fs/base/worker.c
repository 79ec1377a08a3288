#include "bigdatafs/base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

STAILQ_HEAD(jobs, worker_job);

struct worker {
    struct loop *loop;
    struct loop_watch wake; /* an eventfd that the thread writes when it fills finished */
    pthread_t thread;
    pid_t tid;            /* constant once worker_start has returned */
    pthread_mutex_t lock; /* guards the members below */
    pthread_cond_t changed;
    struct jobs todo;     /* submitted, and not begun */
    struct jobs finished; /* run, and not handed back to the loop's thread */
    bool running;         /* one job is in neither list: the thread runs it */
    bool closed;          /* the thread begins no job any more */
};

/* Waits for a job; NULL: the thread is to end. */
static struct worker_job *next_job(struct worker *w)
{
    while (!w->closed && STAILQ_EMPTY(&w->todo))
        pthread_cond_wait(&w->changed, &w->lock);
    if (w->closed)
        return NULL;
    struct worker_job *job = STAILQ_FIRST(&w->todo);
    STAILQ_REMOVE_HEAD(&w->todo, entry);
    return job;
}

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    pthread_mutex_lock(&w->lock);
    w->tid = gettid();
    pthread_cond_broadcast(&w->changed);
    struct worker_job *job;
    while ((job = next_job(w)) != NULL) {
        w->running = true;
        pthread_mutex_unlock(&w->lock);
        job->run(job);
        pthread_mutex_lock(&w->lock);
        w->running = false;
        pthread_cond_broadcast(&w->changed);
        bool first = STAILQ_EMPTY(&w->finished);
        STAILQ_INSERT_TAIL(&w->finished, job, entry);
        if (first)
            eventfd_write(w->wake.fd, 1);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Empties a list and calls done for its jobs, without the lock: done may submit a job once more. */
static void hand_back(struct worker *w, struct jobs *from)
{
    struct jobs jobs = STAILQ_HEAD_INITIALIZER(jobs);
    pthread_mutex_lock(&w->lock);
    STAILQ_CONCAT(&jobs, from);
    pthread_mutex_unlock(&w->lock);
    while (!STAILQ_EMPTY(&jobs)) {
        struct worker_job *job = STAILQ_FIRST(&jobs);
        STAILQ_REMOVE_HEAD(&jobs, entry);
        job->done(job);
    }
}

static void on_wake(void *arg, uint32_t events)
{
    (void)events;
    struct worker *w = arg;
    eventfd_t count;
    eventfd_read(w->wake.fd, &count);
    hand_back(w, &w->finished);
}

static int start_thread(struct worker *w)
{
    int err = -pthread_create(&w->thread, NULL, thread_main, w);
    if (err < 0)
        return err;
    pthread_mutex_lock(&w->lock);
    while (w->tid == 0)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return 0;
}

static void worker_free(struct worker *w)
{
    if (w->wake.fd >= 0)
        close(w->wake.fd);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int worker_start(struct loop *loop, struct worker **out)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    w->loop = loop;
    STAILQ_INIT(&w->todo);
    STAILQ_INIT(&w->finished);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    w->wake = (struct loop_watch){
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_wake, .arg = w};
    int err = w->wake.fd < 0 ? -errno : loop_add(loop, &w->wake, EPOLLIN);
    if (err == 0) {
        err = start_thread(w);
        if (err < 0)
            loop_remove(loop, &w->wake);
    }
    if (err < 0) {
        worker_free(w);
        return err;
    }
    *out = w;
    return 0;
}

bool worker_drain(struct worker *w, unsigned max_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + (uint64_t)(max_ms % 1000) * 1000000;
    until.tv_sec += (time_t)(max_ms / 1000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    int err = 0;
    pthread_mutex_lock(&w->lock);
    while (err == 0 && (w->running || (!w->closed && !STAILQ_EMPTY(&w->todo))))
        err = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    pthread_mutex_unlock(&w->lock);
    return err == 0;
}

void worker_close(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->closed = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

bool worker_is_busy(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool busy = w->running;
    pthread_mutex_unlock(&w->lock);
    return busy;
}

void worker_stop(struct worker *w)
{
    if (w == NULL)
        return;
    worker_close(w);
    pthread_join(w->thread, NULL);
    loop_remove(w->loop, &w->wake);
    hand_back(w, &w->finished);
    hand_back(w, &w->todo);
    worker_free(w);
}

void worker_submit(struct worker *w, struct worker_job *job)
{
    pthread_mutex_lock(&w->lock);
    bool first = STAILQ_EMPTY(&w->todo);
    STAILQ_INSERT_TAIL(&w->todo, job, entry);
    if (first)
        pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

pid_t worker_tid(const struct worker *w)
{
    return w->tid;
}
