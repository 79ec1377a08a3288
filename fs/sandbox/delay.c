#include "delay.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "timestamp.h"

/* The delay is the same for all, so the queue is in order of due times by itself. */
struct delay {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct delay_waiter *head;
    struct delay_waiter **tail;
    int64_t length; /* nanoseconds */
    bool stopping;
};

/* Removes and returns the waiters at the head whose time has come. */
static struct delay_waiter *delay_due(struct delay *d)
{
    int64_t now = clock_mono_ns();
    struct delay_waiter *first = d->head;
    struct delay_waiter **end = &d->head;
    while (*end && (d->stopping || (*end)->due <= now))
        end = &(*end)->next;
    if (end == &d->head)
        return NULL;
    d->head = *end;
    if (!d->head)
        d->tail = &d->head;
    *end = NULL;
    return first;
}

static void *delay_run(void *arg)
{
    struct delay *d = arg;
    pthread_mutex_lock(&d->mutex);
    for (;;) {
        struct delay_waiter *w = delay_due(d);
        if (w) {
            pthread_mutex_unlock(&d->mutex);
            while (w) {
                struct delay_waiter *next = w->next; /* w is the caller's after wake */
                w->wake(w->arg);
                w = next;
            }
            pthread_mutex_lock(&d->mutex);
        } else if (d->stopping) {
            break;
        } else if (d->head) {
            clock_wait(&d->cond, &d->mutex, d->head->due);
        } else {
            pthread_cond_wait(&d->cond, &d->mutex);
        }
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

int delay_start(int64_t milliseconds, struct delay **out)
{
    struct delay *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->length = milliseconds * CLOCK_NS_PER_MS;
    d->tail = &d->head;
    int err = clock_cond_init(&d->cond);
    if (err) {
        free(d);
        return err;
    }
    pthread_mutex_init(&d->mutex, NULL);
    err = pthread_create(&d->thread, NULL, delay_run, d);
    if (err) {
        delay_free(d);
        return -err;
    }
    *out = d;
    return 0;
}

void delay_add(struct delay *d, struct delay_waiter *w)
{
    pthread_mutex_lock(&d->mutex);
    bool at_once = d->stopping;
    if (!at_once) {
        w->next = NULL;
        w->due = clock_mono_ns() + d->length;
        if (!d->head)
            pthread_cond_signal(&d->cond);
        *d->tail = w;
        d->tail = &w->next;
    }
    pthread_mutex_unlock(&d->mutex);
    if (at_once)
        w->wake(w->arg);
}

void delay_stop(struct delay *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->mutex);
    d->stopping = true;
    pthread_cond_signal(&d->cond);
    pthread_mutex_unlock(&d->mutex);
    pthread_join(d->thread, NULL);
}

void delay_free(struct delay *d)
{
    if (!d)
        return;
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}
