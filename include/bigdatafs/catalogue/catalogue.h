/*
 * catalogue: the connectors as the service last told of them, how old that is, and who waits for
 * something newer ("Freshness" in bigdatafs(1)).
 *
 *   age below 3/4 of ttl      served from memory
 *   up to ttl                 the same, and a use starts a refresh in the background
 *   beyond ttl                a use waits for the refresh, all for the same one, ...
 *   ... and it fails          served from memory until stale seconds after ttl, then its errno;
 *                             a use starts the next refresh, CATALOGUE_RETRY_MS apart
 *
 * A list never undoes what was learned after it was asked for. Which list is taken how: refresh.h.
 * One thread.
 */
#ifndef BIGDATAFS_CATALOGUE_CATALOGUE_H
#define BIGDATAFS_CATALOGUE_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/service/api.h"
#include "bigdatafs/service/journal.h"

enum {
    CATALOGUE_RETRY_MS = 1000,    /* between two refreshes when the first failed */
    CATALOGUE_PATIENCE_MS = 5000, /* how long a use waits when an older list could be served */
    CATALOGUE_ASKS_MAX = 48,      /* ids asked for by themselves at once */
    CATALOGUE_ABSENT_MAX = 1024,  /* ids remembered as absent */
};

struct catalogue_options {
    unsigned ttl_s;
    unsigned stale_s;
};

struct catalogue_observer {
    /* The connector has another version, another place, or both; was is its place before. */
    void (*changed)(void *arg, struct connector *connector, enum place was);
    /* connector->progress changed. */
    void (*progress)(void *arg, struct connector *connector);
    /* A whole list was taken. */
    void (*refreshed)(void *arg);
    void *arg;
};

/* Someone who waits. done is called once from the loop, unless catalogue_unwait came first; err is
 * 0 or a negative errno. The waiter belongs to its caller and is free when done is called. */
struct catalogue_waiter {
    void (*done)(void *arg, int err);
    void *arg;
    bool fresh_only; /* nothing but a refresh that succeeds will do */
    struct catalogue_waiter *next, *prev;
};

struct catalogue_state {
    bool loaded; /* a list was taken since the start */
    bool refreshing;
    bool failing;    /* the last refresh failed */
    bool slow;       /* the refresh under way takes longer than the patience */
    uint64_t age_ms; /* of what is served */
    uint64_t refreshes, failures;
    unsigned left_out;         /* elements of the last list that are shown nowhere */
    struct api_result failure; /* the last; its connector is not set */
};

struct catalogue;

int catalogue_new(struct loop *loop, struct api *api, struct log *log, struct journal *journal,
                  const struct catalogue_options *options, struct catalogue **out) MUST_CHECK;
void catalogue_free(struct catalogue *c); /* nobody may wait any more; NULL is fine */
void catalogue_observe(struct catalogue *c, const struct catalogue_observer *observer);

struct connectors *catalogue_connectors(struct catalogue *c);
struct catalogue_state catalogue_state(const struct catalogue *c);

/* A use of the tree: 0 serve from memory, 1 wait with catalogue_wait, or a negative errno. */
int catalogue_use(struct catalogue *c) MUST_CHECK;
/* A use that cannot wait: starts what catalogue_use would start. */
void catalogue_touch(struct catalogue *c);
/* How long the kernel may keep names: until the time of the next background refresh, in ms. */
uint64_t catalogue_fresh_ms(const struct catalogue *c);
/* Time until what is held expires, in ms. */
uint64_t catalogue_ttl_left_ms(const struct catalogue *c);

void catalogue_wait(struct catalogue *c, struct catalogue_waiter *w);
void catalogue_unwait(struct catalogue_waiter *w);
/* Fetches the list now (one that is asked for after this call); w gets the end of it. w may be
 * NULL. */
void catalogue_refresh(struct catalogue *c, struct catalogue_waiter *w);

/* Asks the service for one id. 0: its absence is known already; 1: w is called when the answer
 * was applied (0: see the connector; an errno: it is not known). w may be NULL. -EAGAIN when too
 * many are asked for. */
int catalogue_ask(struct catalogue *c, const char *id, struct catalogue_waiter *w) MUST_CHECK;

/* Whether the service told of the connector within ttl. */
bool catalogue_confirmed(const struct catalogue *c, const struct connector *connector);

/* What the service said of one connector outside a list: it exists like this, or it is gone. */
int catalogue_learn(struct catalogue *c, struct snapshot *snapshot,
                    struct connector **out) MUST_CHECK;
void catalogue_learn_gone(struct catalogue *c, struct connector *connector);
/* How far a deletion of the connector is. */
void catalogue_set_progress(struct catalogue *c, struct connector *connector,
                            enum progress progress);

#endif
