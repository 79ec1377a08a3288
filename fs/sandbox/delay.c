#include "delay.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "timestamp.h"

STAILQ_HEAD(waiters, delay_waiter);

struct delay {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct waiters queue; /* in the order of due times, as the delay is the same for all */
    int64_t length;       /* nanoseconds */
    bool stopping;
};

/* Moves the waiters whose time has come to *due. */
static void take_due(struct delay *d, struct waiters *due)
{
    int64_t now = clock_mono_ns();
    struct delay_waiter *w;
    while ((w = STAILQ_FIRST(&d->queue)) != NULL && (d->stopping || w->due <= now)) {
        STAILQ_REMOVE_HEAD(&d->queue, link);
        STAILQ_INSERT_TAIL(due, w, link);
    }
}

static void wake_all(struct waiters *due)
{
    struct delay_waiter *w;
    while ((w = STAILQ_FIRST(due)) != NULL) {
        STAILQ_REMOVE_HEAD(due, link); /* before wake, after which w is the caller's */
        w->wake(w->arg);
    }
}

static void *run(void *arg)
{
    struct delay *d = arg;
    pthread_mutex_lock(&d->mutex);
    for (;;) {
        struct waiters due = STAILQ_HEAD_INITIALIZER(due);
        take_due(d, &due);
        if (!STAILQ_EMPTY(&due)) {
            pthread_mutex_unlock(&d->mutex);
            wake_all(&due);
            pthread_mutex_lock(&d->mutex);
        } else if (d->stopping) {
            break;
        } else if (!STAILQ_EMPTY(&d->queue)) {
            clock_wait(&d->cond, &d->mutex, STAILQ_FIRST(&d->queue)->due);
        } else {
            pthread_cond_wait(&d->cond, &d->mutex);
        }
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

int delay_start(int64_t milliseconds, struct delay **out)
{
    struct delay *d = calloc(1, sizeof *d);
    if (d == NULL)
        return -ENOMEM;
    d->length = milliseconds * CLOCK_NS_PER_MS;
    STAILQ_INIT(&d->queue);
    int err = clock_cond_init(&d->cond);
    if (err < 0) {
        free(d);
        return err;
    }
    pthread_mutex_init(&d->mutex, NULL);
    err = -pthread_create(&d->thread, NULL, run, d);
    if (err < 0) {
        delay_free(d);
        return err;
    }
    *out = d;
    return 0;
}

void delay_add(struct delay *d, struct delay_waiter *w)
{
    pthread_mutex_lock(&d->mutex);
    bool at_once = d->stopping;
    if (!at_once) {
        w->due = clock_mono_ns() + d->length;
        if (STAILQ_EMPTY(&d->queue))
            pthread_cond_signal(&d->cond);
        STAILQ_INSERT_TAIL(&d->queue, w, link);
    }
    pthread_mutex_unlock(&d->mutex);
    if (at_once)
        w->wake(w->arg);
}

void delay_stop(struct delay *d)
{
    if (d == NULL)
        return;
    pthread_mutex_lock(&d->mutex);
    d->stopping = true;
    pthread_cond_signal(&d->cond);
    pthread_mutex_unlock(&d->mutex);
    pthread_join(d->thread, NULL);
}

void delay_free(struct delay *d)
{
    if (d == NULL)
        return;
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}
