/*
 * ask: single ids that the service is asked for, outside lists: each by one GET, however many wait
 * for it, and not again for ttl once the service said that it does not have the id. Used by
 * catalogue.c alone.
 */
#ifndef BIGDATAFS_CATALOGUE_ASK_H
#define BIGDATAFS_CATALOGUE_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/catalogue/waiters.h"
#include "bigdatafs/service/api.h"
#include "bigdatafs/service/journal.h"

enum {
    ASKS_MAX = 48,          /* ids asked for at once */
    ASKS_ABSENT_MAX = 1024, /* ids remembered as absent; the oldest goes first */
};

/* Who owns the table of connectors, and is told what the service said before the waiters are. */
struct asks_host {
    /* The count of changes so far. */
    uint64_t (*changes)(void *arg);
    /* Whether the connector changed after that count: an answer to what was asked then is older
     * than what is known, and nobody is told of it but the waiters. */
    bool (*changed_since)(void *arg, const char *id, uint64_t changes);
    /* The service has the connector like this. 0, or the negative errno that the waiters get. */
    int (*learn)(void *arg, struct snapshot *snapshot);
    /* The service does not have the id. */
    void (*absent)(void *arg, const char *id);
    void *arg;
};

/* What asks are made from; all borrowed. */
struct asks_parts {
    struct loop *loop;
    struct api *api;
    struct log *log;
    struct journal *journal;
    uint64_t ttl_ms; /* how long an absence is remembered */
};

struct asks;

int asks_new(const struct asks_parts *parts, const struct asks_host *host,
             struct asks **out) MUST_CHECK;
void asks_free(struct asks *a); /* cancels; nobody may wait any more; NULL is fine */

/* Asks for the id, or joins those who wait for its answer. w may be NULL. -EAGAIN: too many are
 * asked for; or why the question could not be sent. w waits only if 0 is returned. */
int asks_start(struct asks *a, const char *id, struct catalogue_waiter *w) MUST_CHECK;

bool asks_knows_absent(const struct asks *a, const char *id);
void asks_remember_absent(struct asks *a, const char *id);
void asks_forget_absent(struct asks *a, const char *id);

#endif
