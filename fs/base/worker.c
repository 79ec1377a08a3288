#include "bigdatafs/base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
    struct worker_job *first, **last;
};

struct worker {
    struct loop *loop;
    struct loop_watch wake; /* an eventfd that the thread writes when finished is not empty */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct queue todo, finished;
    bool stopping, running;
    pid_t tid;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static void queue_push(struct queue *q, struct worker_job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

static struct worker_job *queue_take_all(struct queue *q)
{
    struct worker_job *all = q->first;
    queue_init(q);
    return all;
}

static struct worker_job *next_job(struct worker *w)
{
    while (!w->stopping && w->todo.first == NULL)
        pthread_cond_wait(&w->changed, &w->lock);
    if (w->stopping)
        return NULL;
    struct worker_job *job = w->todo.first;
    w->todo.first = job->next;
    if (w->todo.first == NULL)
        w->todo.last = &w->todo.first;
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
        bool first = w->finished.first == NULL;
        queue_push(&w->finished, job);
        if (first)
            eventfd_write(w->wake.fd, 1);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void finish(struct worker_job *job)
{
    while (job != NULL) {
        struct worker_job *next = job->next;
        job->done(job);
        job = next;
    }
}

static void on_wake(void *arg, uint32_t events)
{
    (void)events;
    struct worker *w = arg;
    eventfd_t count;
    eventfd_read(w->wake.fd, &count);
    pthread_mutex_lock(&w->lock);
    struct worker_job *jobs = queue_take_all(&w->finished);
    pthread_mutex_unlock(&w->lock);
    finish(jobs);
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

int worker_start(struct loop *loop, struct worker **out)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    w->loop = loop;
    queue_init(&w->todo);
    queue_init(&w->finished);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->wake = (struct loop_watch){
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_wake, .arg = w};
    int err = w->wake.fd < 0 ? -errno : loop_add(loop, &w->wake, EPOLLIN);
    if (err == 0) {
        err = start_thread(w);
        if (err < 0)
            loop_remove(loop, &w->wake);
    }
    if (err < 0) {
        if (w->wake.fd >= 0)
            close(w->wake.fd);
        free(w);
        return err;
    }
    *out = w;
    return 0;
}

void worker_drain(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->running || w->todo.first != NULL)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void worker_close(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
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
    finish(queue_take_all(&w->finished));
    finish(queue_take_all(&w->todo));
    close(w->wake.fd);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void worker_submit(struct worker *w, struct worker_job *job)
{
    pthread_mutex_lock(&w->lock);
    bool first = w->todo.first == NULL;
    queue_push(&w->todo, job);
    if (first)
        pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

pid_t worker_tid(const struct worker *w)
{
    return w->tid;
}
