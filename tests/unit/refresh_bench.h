/* One refresh with all that it needs, for the tests of it. Each test program is one file. */
#ifndef BIGDATAFS_TESTS_REFRESH_BENCH_H
#define BIGDATAFS_TESTS_REFRESH_BENCH_H

#include "refresh.h"

#include "bigdatafs/catalogue/connectors.h"
#include "check.h"
#include "fakes/fake_api.h"
#include "fakes/fake_loop.h"
#include "objects.h"

struct bench {
    struct loop *loop;
    struct api *api;
    struct log log;
    struct connectors *connectors;
    struct refresh *refresh;
    uint64_t changes;
    struct api_op *list; /* the one under way */
    unsigned sets, done, left_out;
    int err;
};

static inline void on_set(void *arg, struct connector *connector, struct snapshot *snapshot)
{
    struct bench *b = arg;
    b->sets++;
    connectors_set(b->connectors, connector, snapshot);
}

static inline void on_done(void *arg, const struct api_result *result, unsigned left_out)
{
    struct bench *b = arg;
    b->done++;
    b->err = result->err;
    b->left_out = left_out;
}

static inline void set_up(struct bench *b)
{
    struct refresh_host host = {.set = on_set, .done = on_done, .arg = b};
    *b = (struct bench){0};
    log_init(&b->log, LOG_ERR);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(api_new(b->loop, NULL, FAKE_TIMEOUT_S, &b->api), 0);
    CHECK_INT(connectors_new(&b->connectors), 0);
    struct refresh_parts parts = {
        .loop = b->loop, .log = &b->log, .api = b->api, .connectors = b->connectors};
    CHECK_INT(refresh_new(&parts, &host, &b->refresh), 0);
}

/* Nothing is left under way or pinned. */
static inline void tear_down(struct bench *b)
{
    refresh_free(b->refresh);
    CHECK_INT(fake_api_waiting(b->api), 0);
    CHECK_INT(fake_loop_timers(b->loop), 0);
    for (size_t i = 0; i < connectors_count(b->connectors); i++)
        CHECK_INT(connectors_at(b->connectors, i)->pins, 0);
    connectors_free(b->connectors);
    api_free(b->api);
    loop_free(b->loop);
}

static inline struct connector *find(const struct bench *b, unsigned n)
{
    return connectors_find(b->connectors, id_of(n));
}

static inline enum place place_of(const struct bench *b, unsigned n)
{
    const struct connector *connector = find(b, n);
    return connector != NULL ? connector->place : PLACE_NONE;
}

static inline bool has_revision(const struct bench *b, unsigned n, bool archived, unsigned revision)
{
    const char *json = object(n, archived, revision);
    const struct connector *connector = find(b, n);
    return connector != NULL && snapshot_has_text(connector->snapshot, json, strlen(json));
}

/* As the catalogue does it: something was learned outside the list. NULL: the connector is gone. */
static inline void learn(struct bench *b, unsigned n, const char *json)
{
    struct connector *connector = find(b, n);
    struct snapshot *snapshot = NULL;
    if (json != NULL)
        CHECK_INT(snapshot_parse(json, strlen(json), &snapshot), 0);
    if (connector == NULL)
        CHECK_INT(connectors_add(b->connectors, id_of(n), &connector), 0);
    connector->changed = ++b->changes;
    connectors_set(b->connectors, connector, snapshot);
    snapshot_unref(snapshot);
}

static inline void begin(struct bench *b)
{
    CHECK(!refresh_under_way(b->refresh));
    CHECK_INT(refresh_start(b->refresh, b->changes), 0);
    b->list = fake_api_find(b->api, FAKE_LIST, NULL);
    b->sets = b->done = 0;
    fake_api_list_begin(b->list);
}

static inline int give(struct bench *b, const char *json)
{
    return fake_api_list_element(b->list, json);
}

static inline void give_active(struct bench *b, unsigned from, unsigned to)
{
    for (unsigned n = from; n < to; n++)
        CHECK_INT(give(b, object(n, false, 0)), 0);
}

static inline void end(struct bench *b)
{
    fake_api_list_end(b->list);
    fake_loop_settle(b->loop);
}

/* A list of the active connectors from, from + 1, ... to - 1. */
static inline void take_list(struct bench *b, unsigned from, unsigned to)
{
    begin(b);
    give_active(b, from, to);
    end(b);
}

static inline struct api_op *get_of(struct bench *b, unsigned n)
{
    return fake_api_find(b->api, FAKE_GET, id_of(n));
}

static inline void answer_gone(struct api_op *op)
{
    fake_api_answer_status(op, 404);
}

#endif
