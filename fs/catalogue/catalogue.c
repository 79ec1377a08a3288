#include "bigdatafs/catalogue/catalogue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "bigdatafs/base/sentence.h"
#include "bigdatafs/service/failure.h"
#include "refresh.h"

enum { COMPACT_SHARE = 16 }; /* tombstones are freed when they are more than one in so many */

struct catalogue {
    struct loop *loop;
    struct log *log;
    struct journal *journal;
    struct connectors *connectors;
    struct refresh *refresh;
    struct asks *asks;
    uint64_t ttl_ms, stale_ms;
    struct catalogue_observer observer;
    struct catalogue_state state; /* refreshing and age_ms aside, which are found when asked for */
    uint64_t taken_ms;            /* when the list that is held was asked for */
    uint64_t asked_ms;            /* when the refresh under way started */
    uint64_t failed_ms;           /* when the last refresh that failed did so */
    uint64_t changes;             /* counts what was learned outside lists */
    bool again;                   /* another refresh is to start when the one under way ends */
    struct waiters waiters;       /* for the refresh under way */
    struct waiters again_waiters; /* for the other one */
    /* The end of patience with the refresh under way; when none could be started, the next turn of
     * the loop, in which the waiters are told of that. */
    struct loop_timer patience;
};

static uint64_t age_ms(const struct catalogue *c)
{
    return loop_now(c->loop) - c->taken_ms;
}

static bool may_serve_stale(const struct catalogue *c)
{
    return c->state.loaded && age_ms(c) < c->ttl_ms + c->stale_ms;
}

/* Somebody or something is there that will tell those who wait. */
static void check_invariants(const struct catalogue *c)
{
    bool under_way = refresh_under_way(c->refresh);
    assert(under_way || !c->state.slow);
    assert(under_way || !c->again);
    assert(c->again || waiters_is_empty(&c->again_waiters));
    assert(under_way || loop_timer_is_set(&c->patience) || waiters_is_empty(&c->waiters));
    assert(!c->state.failing || c->state.failure.err < 0);
    assert(c->state.loaded == (c->state.refreshes > 0));
    (void)c, (void)under_way;
}

static void on_patience_end(void *arg)
{
    struct catalogue *c = arg;
    if (!refresh_under_way(c->refresh)) {
        waiters_release(&c->waiters, c->state.failure.err);
    } else if (may_serve_stale(c)) {
        c->state.slow = true;
        waiters_release_patient(&c->waiters);
    }
    check_invariants(c);
}

static void start_refresh(struct catalogue *c)
{
    c->asked_ms = loop_now(c->loop);
    c->state.slow = false;
    int err = refresh_start(c->refresh, c->changes);
    if (err < 0) {
        log_warning(c->log, "the list of connectors cannot be asked for: %s", strerror(-err));
        c->failed_ms = loop_now(c->loop);
        c->state.failing = true;
        c->state.failure = (struct api_result){.err = err, .failure = FAILURE_MEMORY};
    }
    loop_timer_set(c->loop, &c->patience, err < 0 ? 0 : CATALOGUE_PATIENCE_MS);
    check_invariants(c);
}

static void note_list_failure(struct catalogue *c, const struct api_result *result)
{
    char why[SENTENCE_MAX];
    api_describe(result, why, sizeof why);
    if (!c->state.failing)
        log_warning(c->log, "the list of connectors could not be fetched: %s; %s%s", why,
                    failure_hint(result->failure, result->status),
                    c->state.loaded ? "; the last good list is served meanwhile" : "");
    struct journal_note note = {
        .operation = "list", .id = "", .err = result->err, .result = result, .reason = why};
    journal_add(c->journal, &note);
    c->state.failing = true;
    c->state.failures++;
    c->state.failure = *result;
    c->failed_ms = loop_now(c->loop);
}

static void note_success(struct catalogue *c, unsigned left_out, bool not_modified)
{
    if (c->state.failing)
        log_info(c->log, "the list of connectors is fetched again");
    c->state.failing = false;
    c->state.loaded = true;
    c->state.refreshes++;
    c->taken_ms = c->asked_ms;
    if (!not_modified) {
        if (left_out > 0 && left_out != c->state.left_out)
            log_warning(c->log, "%u connectors are left out: their ids are no UUIDs, or not unique",
                        left_out);
        c->state.left_out = left_out;
    }
    if (connectors_count_in(c->connectors, PLACE_NONE) >
        connectors_count(c->connectors) / COMPACT_SHARE)
        connectors_compact(c->connectors, c->changes);
    if (c->observer.refreshed != NULL)
        c->observer.refreshed(c->observer.arg);
}

static void on_refresh_done(void *arg, const struct api_result *result, unsigned left_out)
{
    struct catalogue *c = arg;
    loop_timer_clear(&c->patience);
    c->state.slow = false;
    if (result->err < 0)
        note_list_failure(c, result);
    else
        note_success(c, left_out, result->not_modified);
    int err = result->err;
    struct waiters due = TAILQ_HEAD_INITIALIZER(due); /* not those who come while they are told */
    waiters_move(&c->waiters, &due);
    if (c->again) {
        c->again = false;
        waiters_move(&c->again_waiters, &c->waiters);
        start_refresh(c);
    }
    if (err < 0 && may_serve_stale(c))
        waiters_release_patient(&due);
    waiters_release(&due, err);
    check_invariants(c);
}

static void set_snapshot(void *arg, struct connector *connector, struct snapshot *snapshot)
{
    struct catalogue *c = arg;
    enum place was = connector->place;
    connectors_set(c->connectors, connector, snapshot);
    if (c->observer.changed != NULL)
        c->observer.changed(c->observer.arg, connector, was);
}

static bool may_start_refresh(const struct catalogue *c)
{
    return !refresh_under_way(c->refresh) &&
           (!c->state.failing || loop_now(c->loop) - c->failed_ms >= CATALOGUE_RETRY_MS);
}

enum catalogue_use catalogue_use(struct catalogue *c, int *err)
{
    uint64_t age = age_ms(c);
    *err = 0;
    if (c->state.loaded && age < c->ttl_ms - c->ttl_ms / 4)
        return CATALOGUE_SERVE;
    if (may_start_refresh(c))
        start_refresh(c);
    if (c->state.loaded && age < c->ttl_ms)
        return CATALOGUE_SERVE;
    if (!c->state.failing && !c->state.slow)
        return CATALOGUE_WAIT;
    if (may_serve_stale(c))
        return CATALOGUE_SERVE;
    if (refresh_under_way(c->refresh))
        return CATALOGUE_WAIT;
    *err = c->state.failure.err;
    return CATALOGUE_FAILED;
}

void catalogue_touch(struct catalogue *c)
{
    int ignored;
    (void)!catalogue_use(c, &ignored);
}

uint64_t catalogue_fresh_ms(const struct catalogue *c)
{
    uint64_t fresh = c->ttl_ms - c->ttl_ms / 4, age = age_ms(c);
    return c->state.loaded && age < fresh ? fresh - age : 0;
}

uint64_t catalogue_ttl_left_ms(const struct catalogue *c)
{
    uint64_t age = age_ms(c);
    return c->state.loaded && age < c->ttl_ms ? c->ttl_ms - age : 0;
}

void catalogue_wait(struct catalogue *c, struct catalogue_waiter *w)
{
    waiters_add(&c->waiters, w);
    check_invariants(c);
}

void catalogue_unwait(struct catalogue_waiter *w)
{
    waiters_remove(w);
}

void catalogue_refresh(struct catalogue *c, struct catalogue_waiter *w)
{
    bool under_way = refresh_under_way(c->refresh);
    waiters_add(under_way ? &c->again_waiters : &c->waiters, w);
    if (under_way)
        c->again = true;
    else
        start_refresh(c);
    check_invariants(c);
}

static void tell_changed(struct catalogue *c, struct connector *connector,
                         struct snapshot *snapshot)
{
    connector->changed = ++c->changes;
    connector->confirmed_s = (uint32_t)(loop_now(c->loop) / 1000);
    set_snapshot(c, connector, snapshot);
}

int catalogue_learn(struct catalogue *c, struct snapshot *snapshot, struct connector **out)
{
    struct connector *connector = connectors_find(c->connectors, snapshot->id);
    if (connector == NULL) {
        int err = connectors_add(c->connectors, snapshot->id, &connector);
        if (err < 0)
            return err;
    }
    asks_forget_absent(c->asks, snapshot->id);
    tell_changed(c, connector, snapshot);
    if (out != NULL)
        *out = connector;
    return 0;
}

void catalogue_learn_gone(struct catalogue *c, struct connector *connector)
{
    asks_remember_absent(c->asks, connector->id);
    tell_changed(c, connector, NULL);
}

void catalogue_set_progress(struct catalogue *c, struct connector *connector,
                            enum progress progress)
{
    if (connector->progress == progress)
        return;
    assert(progress == PROGRESS_IDLE || connector->pins > 0);
    connector->progress = (uint8_t)progress;
    if (c->observer.progress != NULL)
        c->observer.progress(c->observer.arg, connector);
}

static uint64_t count_changes(void *arg)
{
    return catalogue_changes(arg);
}

static bool changed_since(void *arg, const char *id, uint64_t changes)
{
    struct catalogue *c = arg;
    return connector_changed_since(connectors_find(c->connectors, id), changes);
}

static int on_ask_learn(void *arg, struct snapshot *snapshot)
{
    return catalogue_learn(arg, snapshot, NULL);
}

static void on_ask_absent(void *arg, const char *id)
{
    struct catalogue *c = arg;
    struct connector *connector = connectors_find(c->connectors, id);
    if (connector_exists(connector))
        tell_changed(c, connector, NULL);
}

enum catalogue_ask catalogue_ask(struct catalogue *c, const char *id, struct catalogue_waiter *w,
                                 int *err)
{
    *err = 0;
    if (asks_knows_absent(c->asks, id))
        return CATALOGUE_KNOWN_ABSENT;
    *err = asks_start(c->asks, id, w);
    return *err < 0 ? CATALOGUE_NOT_ASKED : CATALOGUE_ASKED;
}

bool catalogue_confirmed(const struct catalogue *c, const struct connector *connector)
{
    return loop_now(c->loop) / 1000 - connector->confirmed_s < c->ttl_ms / 1000;
}

uint64_t catalogue_changes(const struct catalogue *c)
{
    return c->changes;
}

struct connectors *catalogue_connectors(struct catalogue *c)
{
    return c->connectors;
}

struct catalogue_state catalogue_state(const struct catalogue *c)
{
    struct catalogue_state state = c->state;
    state.refreshing = refresh_under_way(c->refresh);
    state.age_ms = age_ms(c);
    return state;
}

void catalogue_observe(struct catalogue *c, const struct catalogue_observer *observer)
{
    c->observer = *observer;
}

static int make_refresh(struct catalogue *c, struct api *api)
{
    struct refresh_parts parts = {
        .loop = c->loop, .log = c->log, .api = api, .connectors = c->connectors};
    struct refresh_host host = {.set = set_snapshot, .done = on_refresh_done, .arg = c};
    return refresh_new(&parts, &host, &c->refresh);
}

static int make_parts(struct catalogue *c, struct api *api)
{
    struct asks_host asks_host = {.changes = count_changes,
                                  .changed_since = changed_since,
                                  .learn = on_ask_learn,
                                  .absent = on_ask_absent,
                                  .arg = c};
    struct asks_parts asks = {
        .loop = c->loop, .api = api, .log = c->log, .journal = c->journal, .ttl_ms = c->ttl_ms};
    int err = connectors_new(&c->connectors);
    if (err == 0)
        err = make_refresh(c, api);
    if (err == 0)
        err = asks_new(&asks, &asks_host, &c->asks);
    return err;
}

int catalogue_new(const struct catalogue_parts *parts, const struct catalogue_options *options,
                  struct catalogue **out)
{
    struct catalogue *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->loop = parts->loop;
    c->log = parts->log;
    c->journal = parts->journal;
    c->ttl_ms = (uint64_t)options->ttl_s * 1000;
    c->stale_ms = (uint64_t)options->stale_s * 1000;
    waiters_init(&c->waiters);
    waiters_init(&c->again_waiters);
    loop_timer_init(&c->patience, on_patience_end, c);
    int err = make_parts(c, parts->api);
    if (err < 0) {
        catalogue_free(c);
        return err;
    }
    *out = c;
    return 0;
}

void catalogue_free(struct catalogue *c)
{
    if (c == NULL)
        return;
    loop_timer_clear(&c->patience);
    asks_free(c->asks);
    refresh_free(c->refresh);
    connectors_free(c->connectors);
    free(c);
}
