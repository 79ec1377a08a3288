#include "reaper.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "timestamp.h"

enum { WORKER_ROUNDS_PER_SECOND = 20 };

struct worker {
    struct store *store;
    int64_t rate; /* files per second, 0 for all at once */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool pending; /* something may be marked */
    bool stopping;
};

/* How many files per connector fell due since *since, which is moved on by exactly their time. */
static int64_t worker_due(const struct worker *w, int64_t *since)
{
    if (w->rate == 0)
        return -1;
    int64_t us = (clock_mono_ns() - *since) / CLOCK_NS_PER_US;
    int64_t files = us * w->rate / 1000000;
    *since += files * CLOCK_NS_PER_S / w->rate;
    return files;
}

static void worker_pause(struct worker *w, int64_t since)
{
    int64_t rounds = w->rate < WORKER_ROUNDS_PER_SECOND ? w->rate : WORKER_ROUNDS_PER_SECOND;
    int64_t until = since + CLOCK_NS_PER_S / (rounds > 0 ? rounds : 1);
    while (!w->stopping && clock_mono_ns() < until)
        clock_wait(&w->cond, &w->mutex, until);
}

static void *worker_run(void *arg)
{
    struct worker *w = arg;
    bool running = false; /* a round was carried out and left some to do */
    int64_t since = 0;
    pthread_mutex_lock(&w->mutex);
    while (!w->stopping) {
        if (!w->pending) {
            running = false;
            pthread_cond_wait(&w->cond, &w->mutex);
            continue;
        }
        if (!running)
            since = clock_mono_ns();
        if (running || w->rate > 0)
            worker_pause(w, since);
        if (w->stopping)
            break;
        w->pending = false;
        pthread_mutex_unlock(&w->mutex);
        bool left = false;
        /* After a failure, which the store has reported, the same is tried at the next round. */
        int err = store_reap(w->store, worker_due(w, &since), clock_now_us(), &left);
        if (err)
            since = clock_mono_ns();
        running = left || err != 0;
        pthread_mutex_lock(&w->mutex);
        w->pending = w->pending || running;
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

int worker_start(struct store *s, int64_t files_per_second, struct worker **out)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->store = s;
    w->rate = files_per_second;
    w->pending = true;
    int err = clock_cond_init(&w->cond);
    if (err) {
        free(w);
        return err;
    }
    pthread_mutex_init(&w->mutex, NULL);
    err = pthread_create(&w->thread, NULL, worker_run, w);
    if (err) {
        pthread_cond_destroy(&w->cond);
        pthread_mutex_destroy(&w->mutex);
        free(w);
        return -err;
    }
    *out = w;
    return 0;
}

void worker_wake(struct worker *w)
{
    pthread_mutex_lock(&w->mutex);
    w->pending = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

void worker_stop(struct worker *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->cond);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}
