#include "refresh.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bigdatafs/connector/snapshot.h"

enum state { IDLE, LISTING, COMMITTING, COMPARING, VERIFYING, CONCLUDING };

/* An element of the list. */
struct staged {
    struct connector *connector; /* pinned; NULL when its id was not in the table */
    struct snapshot *snapshot;   /* NULL when the connector has this very text */
};

/* One suspect that is being asked for. */
struct check {
    struct refresh *refresh;
    struct connector *connector; /* pinned while op is set */
    struct api_op *op;
};

struct refresh {
    struct loop *loop;
    struct api *api;
    struct log *log;
    struct connectors *connectors;
    struct refresh_host host;
    enum state state;
    uint32_t number;     /* of this attempt to get a list: what connector->seen is compared with */
    uint64_t changes;    /* the count of changes when the list was asked for */
    struct api_op *op;   /* LISTING */
    unsigned left_out;   /* elements that are shown nowhere */
    bool partial;        /* the table is not what the list says: the next one is to come whole */
    bool lists_archived; /* a list had an archived connector once, so absence from lists tells */
    struct api_result result; /* how fetching the list ended, and taking it */

    /* LISTING, COMMITTING */
    struct staged *staged; /* [0, count); up to committed they are let go of */
    size_t count, capacity, committed;
    uint64_t bytes; /* of all elements whose text is not what was there */
    size_t guess;   /* index of the connector that the next element probably is */

    /* COMMITTING, COMPARING, CONCLUDING */
    struct loop_timer turn; /* the next slice */
    size_t at;              /* index of the connector to be looked at next, save in COMMITTING */
    size_t suspects;        /* connectors marked so */
    size_t kept;            /* CONCLUDING: of them, those that stay */

    /* VERIFYING */
    struct check checks[REFRESH_SAMPLE];
    unsigned checks_left; /* answers that are to come */
    unsigned alive;       /* suspects that are not known to be gone by their answer */
};

/* The table of refresh.h. Holds between any two calls from outside. */
static void check_invariants(const struct refresh *r)
{
    bool turns = r->state == COMMITTING || r->state == COMPARING || r->state == CONCLUDING;
    assert(turns == loop_timer_is_set(&r->turn));
    assert((r->state == LISTING) == (r->op != NULL));
    assert((r->state == VERIFYING) == (r->checks_left > 0));
    assert(r->checks_left <= REFRESH_SAMPLE && r->alive <= REFRESH_SAMPLE);
    assert(r->committed <= r->count && r->count <= r->capacity);
    assert(r->state != IDLE || r->staged == NULL);
    assert(r->state != LISTING || r->committed == 0);
    if (r->state == COMPARING || r->state == CONCLUDING) {
        assert(r->committed == r->count);
        assert(r->at <= connectors_count(r->connectors));
    }
    (void)turns;
}

static void drop_staged(struct refresh *r)
{
    for (size_t i = r->committed; i < r->count; i++) {
        if (r->staged[i].connector != NULL)
            r->staged[i].connector->pins--;
        snapshot_unref(r->staged[i].snapshot);
    }
    r->count = r->committed = r->guess = 0;
    r->bytes = 0;
}

/* Takes over the snapshot if it succeeds. */
static int stage(struct refresh *r, struct connector *connector, struct snapshot *snapshot)
{
    if (r->count == r->capacity) {
        if (r->capacity >= CONNECTORS_MAX)
            return -EFBIG;
        size_t capacity = r->capacity == 0 ? 64 : r->capacity * 2;
        struct staged *staged = reallocarray(r->staged, capacity, sizeof *staged);
        if (staged == NULL)
            return -ENOMEM;
        r->staged = staged;
        r->capacity = capacity;
    }
    if (connector != NULL) {
        connector->seen = r->number;
        connector->pins++;
    }
    r->staged[r->count++] = (struct staged){.connector = connector, .snapshot = snapshot};
    return 0;
}

/* Lists keep their order, so the element is probably the connector after the last one's: comparing
 * its text first spares the parse of everything that did not change. */
static struct connector *guess_connector(struct refresh *r, const char *json, size_t len)
{
    while (r->guess < connectors_count(r->connectors)) {
        struct connector *connector = connectors_at(r->connectors, r->guess);
        if (connector->listed) {
            if (connector->seen == r->number || !snapshot_has_text(connector->snapshot, json, len))
                return NULL;
            r->guess++;
            return connector;
        }
        r->guess++;
    }
    return NULL;
}

/* An element whose connector was not guessed. */
static int stage_parsed(struct refresh *r, struct snapshot *snapshot)
{
    struct connector *connector = connectors_find(r->connectors, snapshot->id);
    bool same = connector != NULL &&
                snapshot_has_text(connector->snapshot, snapshot->text, snapshot->text_len);
    if (connector != NULL)
        r->guess = connectors_index(r->connectors, connector) + 1;
    if (connector != NULL && connector->seen == r->number) { /* the second with this id */
        r->left_out++;
        snapshot_unref(snapshot);
        return 0;
    }
    int err = stage(r, connector, same ? NULL : snapshot);
    if (err < 0 || same)
        snapshot_unref(snapshot);
    return err;
}

static int on_element(void *arg, const char *json, size_t len)
{
    struct refresh *r = arg;
    struct connector *connector = guess_connector(r, json, len);
    if (connector != NULL)
        return stage(r, connector, NULL);
    if ((r->bytes += len) > REFRESH_BYTES_MAX)
        return -EFBIG;
    struct snapshot *snapshot;
    int err = snapshot_parse(json, len, &snapshot);
    if (err == 0)
        return stage_parsed(r, snapshot);
    if (err != -EINVAL && err != -EFBIG)
        return err;
    r->left_out++; /* it has no id, or is too large: the others are shown all the same */
    return 0;
}

static void on_restart(void *arg)
{
    struct refresh *r = arg;
    drop_staged(r);
    r->left_out = 0;
    r->number++;
}

static void finish(struct refresh *r)
{
    drop_staged(r);
    free(r->staged); /* a list is rare, and its staging large */
    r->staged = NULL;
    r->capacity = 0;
    r->state = IDLE;
    if (r->partial)
        api_forget_list(r->api);
    check_invariants(r);
    r->host.done(r->host.arg, &r->result, r->left_out);
}

static void on_list_done(void *arg, const struct api_result *result)
{
    struct refresh *r = arg;
    r->op = NULL;
    r->result = *result;
    r->result.snapshot = NULL;
    if (result->err < 0 || result->not_modified) {
        finish(r);
        return;
    }
    r->state = COMMITTING;
    loop_timer_set(r->loop, &r->turn, 0);
    check_invariants(r);
}

/* No memory for a connector of the list, which has then failed: what is missing is not left out
 * because of what it is. */
static void run_out(struct refresh *r)
{
    r->result.err = -ENOMEM;
    r->result.failure = FAILURE_MEMORY;
    r->partial = true;
}

static void commit_one(struct refresh *r, struct staged *s)
{
    struct connector *connector = s->connector;
    if (connector == NULL) {
        /* Its id may have become known meanwhile, or stand in the list twice. */
        connector = connectors_find(r->connectors, s->snapshot->id);
        if (connector != NULL && connector->seen == r->number) {
            r->left_out++;
            return;
        }
        int err = 0;
        if (connector == NULL)
            err = connectors_add(r->connectors, s->snapshot->id, &connector);
        if (err == -ENOMEM) {
            run_out(r);
            return;
        }
        if (err < 0) { /* there are too many */
            r->left_out++;
            return;
        }
        connector->seen = r->number;
    }
    connector->listed = true;
    connector->confirmed_s = (uint32_t)(loop_now(r->loop) / 1000);
    if (s->snapshot != NULL && connector->changed <= r->changes)
        r->host.set(r->host.arg, connector, s->snapshot);
    else if (connector->changed > r->changes)
        r->partial = true;
    if (connector->place == PLACE_ARCHIVED && connector->changed <= r->changes)
        r->lists_archived = true;
}

/* Makes the connector a suspect if the list lacks it and should have it. It should have archived
 * ones if lists ever had any: the service may tell of them, or not. */
static void compare_one(struct refresh *r, struct connector *connector)
{
    bool expected = connector->place == PLACE_ACTIVE ||
                    (connector->place == PLACE_ARCHIVED && r->lists_archived);
    connector->suspect =
        expected && connector->seen != r->number && connector->changed <= r->changes;
    if (connector->seen != r->number)
        connector->listed = false;
    if (expected && connector->seen != r->number && connector->changed > r->changes)
        r->partial = true;
    r->suspects += connector->suspect;
}

static void set_gone(struct refresh *r, struct connector *connector)
{
    connector->suspect = false;
    if (connector->changed <= r->changes)
        r->host.set(r->host.arg, connector, NULL);
}

/* A suspect that was not asked for, or for which no answer told: the list is believed if none of
 * the sample is alive. */
static void conclude_one(struct refresh *r, struct connector *connector)
{
    if (!connector->suspect)
        return;
    if (r->alive == 0)
        set_gone(r, connector);
    else
        r->kept++;
    connector->suspect = false;
}

static void conclude(struct refresh *r)
{
    r->state = CONCLUDING;
    r->at = r->suspects > 0 ? 0 : connectors_count(r->connectors);
    r->kept = 0;
    loop_timer_set(r->loop, &r->turn, 0);
}

static void concluded(struct refresh *r)
{
    if (r->kept > 0 || r->alive > 0)
        r->partial = true;
    if (r->kept > 0)
        log_warning(r->log, "the list lacks %zu connectors that the service still has: kept",
                    r->kept);
    finish(r);
}

static void on_check_done(void *arg, const struct api_result *result)
{
    struct check *k = arg;
    struct refresh *r = k->refresh;
    struct connector *connector = k->connector;
    k->op = NULL;
    connector->pins--;
    bool gone = api_says_gone(result);
    if (result->err == 0 && connector->changed <= r->changes) {
        r->host.set(r->host.arg, connector, result->snapshot);
        connector->confirmed_s = (uint32_t)(loop_now(r->loop) / 1000);
    }
    if (gone)
        set_gone(r, connector);
    if (gone || (result->err == 0 && result->snapshot->archived)) {
        connector->suspect = false; /* an archived one need not be in the list */
        r->suspects--;
    } else {
        r->alive++; /* or nobody knows */
    }
    if (--r->checks_left == 0)
        conclude(r);
    check_invariants(r);
}

static void start_check(struct refresh *r, struct connector *connector)
{
    struct check *k = &r->checks[r->checks_left];
    *k = (struct check){.refresh = r, .connector = connector};
    struct api_call call = {.deadline_ms = api_deadline(r->api), .done = on_check_done, .arg = k};
    if (api_get(r->api, connector->id, &call, &k->op) < 0)
        return;
    connector->pins++;
    r->checks_left++;
}

static void verify(struct refresh *r)
{
    r->state = VERIFYING;
    r->checks_left = r->alive = 0;
    size_t count = r->suspects > 0 ? connectors_count(r->connectors) : 0;
    size_t step = r->suspects / REFRESH_SAMPLE + 1, nth = 0;
    for (size_t i = 0; i < count && r->checks_left < REFRESH_SAMPLE; i++) {
        struct connector *connector = connectors_at(r->connectors, i);
        if (connector->suspect && nth++ % step == 0)
            start_check(r, connector);
    }
    if (r->checks_left == 0) {
        r->alive = r->suspects > 0; /* nothing could be asked: nothing is believed */
        conclude(r);
    }
}

static void commit_next(struct refresh *r)
{
    struct staged *s = &r->staged[r->committed++];
    commit_one(r, s);
    if (s->connector != NULL)
        s->connector->pins--;
    snapshot_unref(s->snapshot);
}

/* One step of the work that goes through all elements or connectors. False: there is none left, or
 * the list has failed. */
static bool step(struct refresh *r)
{
    if (r->result.err < 0)
        return false;
    if (r->state == COMMITTING && r->committed < r->count) {
        commit_next(r);
        return true;
    }
    if (r->state == COMMITTING) {
        r->state = COMPARING;
        r->at = r->suspects = 0;
    }
    if (r->at == connectors_count(r->connectors))
        return false;
    struct connector *connector = connectors_at(r->connectors, r->at++);
    if (r->state == COMPARING)
        compare_one(r, connector);
    else
        conclude_one(r, connector);
    return true;
}

static void on_turn(void *arg)
{
    struct refresh *r = arg;
    while (step(r)) {
        if (loop_should_yield(r->loop)) {
            loop_timer_set(r->loop, &r->turn, 0);
            check_invariants(r);
            return;
        }
    }
    if (r->result.err < 0) {
        finish(r);
    } else if (r->state == COMPARING) {
        verify(r);
        check_invariants(r);
    } else {
        concluded(r);
    }
}

int refresh_start(struct refresh *r, uint64_t changes)
{
    struct api_list_sink sink = {
        .restart = on_restart, .element = on_element, .done = on_list_done, .arg = r};
    r->changes = changes;
    r->partial = false;
    int err = api_list(r->api, &sink, &r->op);
    if (err == 0)
        r->state = LISTING;
    check_invariants(r);
    return err;
}

bool refresh_under_way(const struct refresh *r)
{
    return r->state != IDLE;
}

int refresh_new(const struct refresh_parts *parts, const struct refresh_host *host,
                struct refresh **out)
{
    struct refresh *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->loop = parts->loop;
    r->log = parts->log;
    r->api = parts->api;
    r->connectors = parts->connectors;
    r->host = *host;
    loop_timer_init(&r->turn, on_turn, r);
    *out = r;
    return 0;
}

void refresh_free(struct refresh *r)
{
    if (r == NULL)
        return;
    loop_timer_clear(&r->turn);
    if (r->op != NULL)
        api_cancel(r->op);
    for (unsigned i = 0; i < REFRESH_SAMPLE; i++) {
        if (r->checks[i].op != NULL) {
            api_cancel(r->checks[i].op);
            r->checks[i].connector->pins--;
        }
    }
    drop_staged(r);
    free(r->staged);
    free(r);
}
