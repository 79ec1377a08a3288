/*
 * catalogue: the connectors as the service last told of them, how old that is, and who waits for
 * something newer ("Freshness" in bigdatafs(1)).
 *
 * What becomes of a use of the tree depends on the age of what is held, on how the last refresh
 * ended, and on whether one is under way:
 *
 *   age              last refresh   refresh         a use of the tree
 *   to 3/4 ttl       any            not needed      is served from memory
 *   to ttl           any            starts          is served from memory
 *   to ttl + stale   succeeded      starts          waits for it, all uses for the same one, but
 *                                                   is served after CATALOGUE_PATIENCE_MS
 *   to ttl + stale   failed         starts          is served from memory
 *   beyond, or       any            starts          waits for it until it ends
 *   nothing is held  failed         pauses          fails with the errno of the failure
 *
 * A refresh starts unless one is under way already or the last one failed less than
 * CATALOGUE_RETRY_MS ago, which is the pause. Without a use none starts.
 *
 * Neither a list nor a single answer undoes what was learned after it was asked for. How a list is
 * taken: refresh.h. Single ids are asked for beside lists (catalogue_ask). One thread.
 */
#ifndef BIGDATAFS_CATALOGUE_CATALOGUE_H
#define BIGDATAFS_CATALOGUE_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/catalogue/waiters.h"
#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/service/api.h"
#include "bigdatafs/service/journal.h"

enum {
    CATALOGUE_RETRY_MS = 1000,    /* from the failure of a refresh to the next that a use starts */
    CATALOGUE_PATIENCE_MS = 5000, /* how long a use waits when an older list may be served */
};

struct catalogue_options {
    unsigned ttl_s;   /* how long a list is new enough */
    unsigned stale_s; /* how long after that it may be served when no newer one can be had */
};

/* Who is told of changes, there and then: must not call back what changes something. */
struct catalogue_observer {
    /* The connector has another snapshot, another place, or both; was is its place before. */
    void (*changed)(void *arg, struct connector *connector, enum place was);
    /* connector->progress changed. */
    void (*progress)(void *arg, struct connector *connector);
    /* A whole list was taken. */
    void (*refreshed)(void *arg);
    void *arg;
};

struct catalogue_state {
    bool loaded; /* a list was taken since the start */
    bool refreshing;
    bool failing;              /* the last refresh failed */
    bool slow;                 /* the refresh under way takes longer than the patience */
    uint64_t age_ms;           /* of what is served */
    uint64_t refreshes;        /* that succeeded, since the start */
    uint64_t failures;         /* of refreshes, since the start */
    unsigned left_out;         /* elements of the last list that are shown nowhere */
    struct api_result failure; /* the last one; has no snapshot */
};

struct catalogue;

/* What a catalogue is made from; all borrowed. */
struct catalogue_parts {
    struct loop *loop;
    struct log *log;
    struct api *api;
    struct journal *journal;
};

int catalogue_new(const struct catalogue_parts *parts, const struct catalogue_options *options,
                  struct catalogue **out) MUST_CHECK;
void catalogue_free(struct catalogue *c); /* nobody may wait any more; NULL is fine */
void catalogue_observe(struct catalogue *c, const struct catalogue_observer *observer);

struct connectors *catalogue_connectors(struct catalogue *c);
struct catalogue_state catalogue_state(const struct catalogue *c);

/* What is to become of a use of the tree. */
enum catalogue_use {
    CATALOGUE_SERVE,  /* it is served from memory */
    CATALOGUE_WAIT,   /* it waits for a newer list, with catalogue_wait */
    CATALOGUE_FAILED, /* it fails: no list can be had, and what is held is too old */
};
/* Takes note of a use of the tree, which may start a refresh. *err becomes 0, or a negative errno
 * for CATALOGUE_FAILED. */
enum catalogue_use catalogue_use(struct catalogue *c, int *err) MUST_CHECK;
/* A use that cannot wait: starts what catalogue_use would start. */
void catalogue_touch(struct catalogue *c);
/* How long the kernel may keep names, in ms: as long as a use would start no refresh. */
uint64_t catalogue_fresh_ms(const struct catalogue *c);
/* How long what is held is new enough, in ms. */
uint64_t catalogue_ttl_left_ms(const struct catalogue *c);

/* Waits for the refresh that is under way: w is told once, from the loop. */
void catalogue_wait(struct catalogue *c, struct catalogue_waiter *w);
/* w waits no more and is not told; it may be that it does not wait. */
void catalogue_unwait(struct catalogue_waiter *w);
/* Fetches a list that is asked for after this call; w, which may be NULL, is told of its end. */
void catalogue_refresh(struct catalogue *c, struct catalogue_waiter *w);

enum catalogue_ask {
    CATALOGUE_KNOWN_ABSENT, /* the service said a short time ago that it does not have the id */
    CATALOGUE_ASKED,        /* the waiter is called when the answer was applied */
    CATALOGUE_NOT_ASKED,    /* the question could not be sent */
};
/* Asks the service for one id. w, which may be NULL, is called for CATALOGUE_ASKED alone: with 0
 * the table of connectors tells what the service said, with an errno nothing is known. *err becomes
 * 0, or a negative errno for CATALOGUE_NOT_ASKED: -EAGAIN when too many ids are being asked for. */
enum catalogue_ask catalogue_ask(struct catalogue *c, const char *id, struct catalogue_waiter *w,
                                 int *err) MUST_CHECK;

/* Whether the service told of the connector less than ttl ago. */
bool catalogue_confirmed(const struct catalogue *c, const struct connector *connector);

/* The count of what was learned outside lists, for connector_changed_since. */
uint64_t catalogue_changes(const struct catalogue *c);

/* The service said outside a list that a connector exists like this. *out, unless out is NULL, is
 * the connector. -ENOMEM, -ENOSPC. */
int catalogue_learn(struct catalogue *c, struct snapshot *snapshot,
                    struct connector **out) MUST_CHECK;
/* The service said that it does not have the connector any more. */
void catalogue_learn_gone(struct catalogue *c, struct connector *connector);
/* How far a deletion of the connector is. Pinned by whom it is deleted, unless PROGRESS_IDLE. */
void catalogue_set_progress(struct catalogue *c, struct connector *connector,
                            enum progress progress);

#endif
