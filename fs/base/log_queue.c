#include "log_queue.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <syslog.h>
#include <time.h>

struct line {
    STAILQ_ENTRY(line) entry;
    uint64_t lost_before; /* lines that were lost between this one and the one before it */
    int priority;
    bool to_syslog;
    char text[];
};

STAILQ_HEAD(lines, line);

struct log_queue {
    log_write_fn *write;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the members below; never held while a line is written */
    pthread_cond_t changed;
    struct lines lines; /* to be written */
    unsigned count;     /* how many they are */
    uint64_t lost;      /* in all */
    uint64_t unsaid;    /* of those: behind the last line of the list */
    bool to_syslog;     /* where the last one that was lost should have gone */
    bool writing;       /* the thread has taken something and not come back yet */
    bool closed;        /* the thread is to end once nothing is left */
    bool abandoned;     /* the thread is to end at once, and nobody waits for it */
};

static bool is_idle(const struct log_queue *q)
{
    return STAILQ_EMPTY(&q->lines) && q->unsaid == 0 && !q->writing;
}

static void queue_free(struct log_queue *q)
{
    while (!STAILQ_EMPTY(&q->lines)) {
        struct line *line = STAILQ_FIRST(&q->lines);
        STAILQ_REMOVE_HEAD(&q->lines, entry);
        free(line);
    }
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static void say_lost(struct log_queue *q, bool to_syslog, uint64_t lost)
{
    char text[96];
    snprintf(text, sizeof text, "%" PRIu64 " lines of the log were lost: nobody took them in time",
             lost);
    q->write(to_syslog, LOG_WARNING, text);
}

/* Takes the first line, or what was lost when there is none, and writes it without the lock. */
static void write_next(struct log_queue *q)
{
    struct line *line = STAILQ_FIRST(&q->lines);
    uint64_t lost = line != NULL ? line->lost_before : q->unsaid;
    bool to_syslog = line != NULL ? line->to_syslog : q->to_syslog;
    if (line != NULL) {
        STAILQ_REMOVE_HEAD(&q->lines, entry);
        q->count--;
    } else {
        q->unsaid = 0;
    }
    q->writing = true;
    pthread_mutex_unlock(&q->lock);
    if (lost > 0)
        say_lost(q, to_syslog, lost);
    if (line != NULL)
        q->write(line->to_syslog, line->priority, line->text);
    free(line);
    pthread_mutex_lock(&q->lock);
    q->writing = false;
    pthread_cond_broadcast(&q->changed);
}

static void *thread_main(void *arg)
{
    struct log_queue *q = arg;
    pthread_mutex_lock(&q->lock);
    while (!q->abandoned && !(q->closed && is_idle(q))) {
        if (is_idle(q))
            pthread_cond_wait(&q->changed, &q->lock);
        else
            write_next(q);
    }
    bool abandoned = q->abandoned;
    pthread_mutex_unlock(&q->lock);
    if (abandoned)
        queue_free(q);
    return NULL;
}

int log_queue_start(log_write_fn *write, struct log_queue **out)
{
    struct log_queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return -ENOMEM;
    q->write = write;
    STAILQ_INIT(&q->lines);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&q->lock, NULL);
    int err = -pthread_create(&q->thread, NULL, thread_main, q);
    if (err < 0) {
        queue_free(q);
        return err;
    }
    *out = q;
    return 0;
}

static struct line *line_new(bool to_syslog, int priority, const char *text)
{
    size_t size = strlen(text) + 1;
    struct line *line = malloc(sizeof *line + size);
    if (line == NULL)
        return NULL;
    *line = (struct line){.priority = priority, .to_syslog = to_syslog};
    memcpy(line->text, text, size);
    return line;
}

void log_queue_put(struct log_queue *q, bool to_syslog, int priority, const char *text)
{
    pthread_mutex_lock(&q->lock);
    struct line *line = q->count < LOG_QUEUE_MAX ? line_new(to_syslog, priority, text) : NULL;
    if (line == NULL) {
        q->lost++;
        q->unsaid++;
        q->to_syslog = to_syslog;
    } else {
        line->lost_before = q->unsaid;
        q->unsaid = 0;
        STAILQ_INSERT_TAIL(&q->lines, line, entry);
        q->count++;
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

uint64_t log_queue_lost(struct log_queue *q)
{
    pthread_mutex_lock(&q->lock);
    uint64_t lost = q->lost;
    pthread_mutex_unlock(&q->lock);
    return lost;
}

/* With the lock. Returns whether all is written. */
static bool wait_until_idle(struct log_queue *q, unsigned max_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += max_ms / 1000;
    until.tv_nsec += (long)(max_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int err = 0;
    while (!is_idle(q) && err == 0)
        err = pthread_cond_timedwait(&q->changed, &q->lock, &until);
    return is_idle(q);
}

void log_queue_flush(struct log_queue *q, unsigned max_ms)
{
    pthread_mutex_lock(&q->lock);
    wait_until_idle(q, max_ms);
    pthread_mutex_unlock(&q->lock);
}

void log_queue_stop(struct log_queue *q, unsigned max_ms)
{
    pthread_mutex_lock(&q->lock);
    bool idle = wait_until_idle(q, max_ms);
    pthread_t thread = q->thread;
    q->closed = true;
    q->abandoned = !idle;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    if (idle) {
        pthread_join(thread, NULL);
        queue_free(q);
    } else {
        pthread_detach(thread); /* it may free the queue at any time from here on */
    }
}
