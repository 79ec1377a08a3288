#include "reaper.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "timestamp.h"

enum { ROUNDS_PER_SECOND = 20 };

/*
 * The thread carries out the hard deletes in rounds:
 *
 *   state    what is true in it                    what ends it           next
 *   IDLE     nothing is left to do; no time is     reaper_wake            PACING, or REAPING at
 *            waited for                                                   the rate 0
 *   PACING   a connector may be marked, or the     the round is due       REAPING
 *            last round left some or failed;
 *            files fall due from `since` on
 *   REAPING  the mutex is free while the store     the store's answer     PACING when some are
 *            removes the files that fell due                              left or it failed,
 *                                                                         else IDLE
 *
 * reaper_stop ends the thread in any state, in REAPING after the round. The store reports why a
 * round failed; the next round tries the same.
 */
enum state { IDLE, PACING, REAPING };

struct reaper {
    struct store *store;
    int64_t rate; /* files per second, 0 for all at once */
    pthread_t thread;
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t cond;
    enum state state;
    int64_t since;   /* monotonic, nanoseconds: what fell due before was removed */
    bool unfinished; /* the last round left something, or failed */
    bool woken;      /* a connector may have been marked since the last round began */
    bool stopping;
};

static void check_invariants(const struct reaper *r)
{
    assert(r->state != IDLE || !r->unfinished);
    assert(r->state == IDLE || r->unfinished || r->woken);
    assert(r->state == IDLE || r->since > 0);
    assert(r->state != PACING || r->unfinished || r->rate > 0);
    (void)r;
}

static void wait_for_mark(struct reaper *r)
{
    if (!r->woken) {
        pthread_cond_wait(&r->cond, &r->mutex);
        return;
    }
    r->since = clock_mono_ns();
    r->state = r->rate > 0 ? PACING : REAPING;
}

/* A slow rate has a round for each file, and a failure at rate 0 is tried again each second. */
static void wait_for_round(struct reaper *r)
{
    int64_t rounds = r->rate < ROUNDS_PER_SECOND ? r->rate : ROUNDS_PER_SECOND;
    int64_t until = r->since + CLOCK_NS_PER_S / (rounds > 0 ? rounds : 1);
    if (clock_mono_ns() < until)
        clock_wait(&r->cond, &r->mutex, until);
    else
        r->state = REAPING;
}

/* How many files of each connector fell due; since moves on by exactly the time that they took. */
static int64_t take_due(struct reaper *r)
{
    if (r->rate == 0)
        return -1;
    int64_t us = (clock_mono_ns() - r->since) / CLOCK_NS_PER_US;
    int64_t files = us * r->rate / 1000000;
    r->since += files * CLOCK_NS_PER_S / r->rate;
    return files;
}

static void carry_out_round(struct reaper *r)
{
    int64_t files = take_due(r);
    bool left = false;
    r->woken = false;
    pthread_mutex_unlock(&r->mutex);
    int err = store_reap(r->store, files, clock_now_us(), &left);
    pthread_mutex_lock(&r->mutex);
    if (err < 0)
        r->since = clock_mono_ns();
    r->unfinished = left || err < 0;
    r->state = r->unfinished ? PACING : IDLE;
}

static void *run(void *arg)
{
    struct reaper *r = arg;
    pthread_mutex_lock(&r->mutex);
    while (!r->stopping) {
        switch (r->state) {
        case IDLE:
            wait_for_mark(r);
            break;
        case PACING:
            wait_for_round(r);
            break;
        case REAPING:
            carry_out_round(r);
            break;
        }
        check_invariants(r);
    }
    pthread_mutex_unlock(&r->mutex);
    return NULL;
}

int reaper_start(struct store *s, int64_t files_per_second, struct reaper **out)
{
    struct reaper *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->store = s;
    r->rate = files_per_second;
    r->woken = true;
    int err = clock_cond_init(&r->cond);
    if (err < 0) {
        free(r);
        return err;
    }
    pthread_mutex_init(&r->mutex, NULL);
    err = -pthread_create(&r->thread, NULL, run, r);
    if (err < 0) {
        pthread_cond_destroy(&r->cond);
        pthread_mutex_destroy(&r->mutex);
        free(r);
        return err;
    }
    *out = r;
    return 0;
}

void reaper_wake(struct reaper *r)
{
    pthread_mutex_lock(&r->mutex);
    r->woken = true;
    pthread_cond_signal(&r->cond);
    pthread_mutex_unlock(&r->mutex);
}

void reaper_stop(struct reaper *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->mutex);
    r->stopping = true;
    pthread_cond_signal(&r->cond);
    pthread_mutex_unlock(&r->mutex);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->cond);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}
