/* A catalogue with all that it needs, for the tests of it. Each test program is one file. */
#ifndef BIGDATAFS_TESTS_CATALOGUE_BENCH_H
#define BIGDATAFS_TESTS_CATALOGUE_BENCH_H

#include "bigdatafs/catalogue/catalogue.h"

#include "check.h"
#include "fakes/fake_api.h"
#include "fakes/fake_loop.h"
#include "objects.h"

enum { TTL_MS = 40000, STALE_MS = 60000, WAITERS = 4 };

struct bench;

struct user {
    struct bench *bench;
    struct catalogue_waiter waiter;
    unsigned told;
    int err;
};

struct bench {
    struct loop *loop;
    struct api *api;
    struct log log;
    struct journal *journal;
    struct catalogue *catalogue;
    struct user users[WAITERS];
    int err; /* of the last use */
    unsigned changed, progressed, refreshed;
    enum place was;
    void (*on_told)(struct bench *b, struct user *user);
};

static inline void on_told(void *arg, int err)
{
    struct user *user = arg;
    user->told++;
    user->err = err;
    if (user->bench->on_told != NULL)
        user->bench->on_told(user->bench, user);
}

static inline void on_changed(void *arg, struct connector *connector, enum place was)
{
    struct bench *b = arg;
    (void)connector;
    b->changed++;
    b->was = was;
}

static inline void on_progress(void *arg, struct connector *connector)
{
    struct bench *b = arg;
    (void)connector;
    b->progressed++;
}

static inline void on_refreshed(void *arg)
{
    struct bench *b = arg;
    b->refreshed++;
}

static inline void set_up(struct bench *b)
{
    *b = (struct bench){0};
    log_init(&b->log, LOG_ERR);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(api_new(b->loop, NULL, FAKE_TIMEOUT_S, &b->api), 0);
    CHECK_INT(journal_new(&b->journal), 0);
    struct catalogue_parts parts = {
        .loop = b->loop, .log = &b->log, .api = b->api, .journal = b->journal};
    struct catalogue_options options = {.ttl_s = TTL_MS / 1000, .stale_s = STALE_MS / 1000};
    CHECK_INT(catalogue_new(&parts, &options, &b->catalogue), 0);
    struct catalogue_observer observer = {
        .changed = on_changed, .progress = on_progress, .refreshed = on_refreshed, .arg = b};
    catalogue_observe(b->catalogue, &observer);
    for (unsigned i = 0; i < WAITERS; i++) {
        b->users[i].bench = b;
        b->users[i].waiter = (struct catalogue_waiter){.done = on_told, .arg = &b->users[i]};
    }
}

static inline void tear_down(struct bench *b)
{
    for (unsigned i = 0; i < WAITERS; i++)
        catalogue_unwait(&b->users[i].waiter);
    catalogue_free(b->catalogue);
    CHECK_INT(fake_api_waiting(b->api), 0);
    CHECK_INT(fake_loop_timers(b->loop), 0);
    journal_free(b->journal);
    api_free(b->api);
    loop_free(b->loop);
}

static inline enum catalogue_use use(struct bench *b)
{
    return catalogue_use(b->catalogue, &b->err);
}

static inline void wait(struct bench *b, unsigned user)
{
    CHECK_INT(use(b), CATALOGUE_WAIT);
    catalogue_wait(b->catalogue, &b->users[user].waiter);
}

static inline struct connector *find(const struct bench *b, unsigned n)
{
    return connectors_find(catalogue_connectors(b->catalogue), id_of(n));
}

static inline struct api_op *list_of(const struct bench *b)
{
    return fake_api_find(b->api, FAKE_LIST, NULL);
}

static inline unsigned lists(const struct bench *b)
{
    return fake_api_count(b->api, FAKE_LIST);
}

/* Answers the list that is asked for with the active connectors 0 to count - 1. */
static inline void answer_list(struct bench *b, unsigned count)
{
    struct api_op *list = list_of(b);
    if (!CHECK(list != NULL))
        return;
    fake_api_list_begin(list);
    for (unsigned n = 0; n < count; n++)
        CHECK_INT(fake_api_list_element(list, object(n, false, 0)), 0);
    fake_api_list_end(list);
    fake_loop_settle(b->loop);
}

static inline void fail_list(struct bench *b)
{
    struct api_op *list = list_of(b);
    if (CHECK(list != NULL))
        fake_api_answer_failure(list, FAILURE_UNREACHABLE, false);
}

static inline void load(struct bench *b, unsigned count)
{
    catalogue_refresh(b->catalogue, NULL);
    answer_list(b, count);
    CHECK(catalogue_state(b->catalogue).loaded);
}

static inline void learn(struct bench *b, unsigned n, bool archived, unsigned revision)
{
    const char *json = object(n, archived, revision);
    struct snapshot *snapshot;
    CHECK_INT(snapshot_parse(json, strlen(json), &snapshot), 0);
    CHECK_INT(catalogue_learn(b->catalogue, snapshot, NULL), 0);
    snapshot_unref(snapshot);
}

static inline enum catalogue_ask ask(struct bench *b, unsigned n, unsigned user)
{
    return catalogue_ask(b->catalogue, id_of(n), &b->users[user].waiter, &b->err);
}

#endif
