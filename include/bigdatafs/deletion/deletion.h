/*
 * deletion: the only module that has the service delete something. One deletion is one request of
 * a user, from the guard to the last line of the audit log:
 *
 *   state      what is waited for                               next
 *   INTENT     the audit log's intent line is on the disk       SENDING; or ends, nothing sent
 *   SENDING    the service's answer to the DELETE               CHECKING, OUTCOME
 *   CHECKING   a GET: the answer was lost, or said too little   SENDING (hard delete, still there,
 *                                                               DELETION_RESENDS_MAX times, before
 *                                                               the deadline), OUTCOME
 *   OUTCOME    the audit log's outcome line                     done is called; ends
 *
 * Invariants: no DELETE before its intent line; one deletion for a connector at a time (its
 * connector says so); success is reported only when the service said so or a GET showed it.
 *
 * A hard delete that was accepted is a job: the connector is asked for, at intervals that grow from
 * JOB_FIRST_MS to JOB_SLOWEST_MS, until the service answers 404; then it goes from the tree.
 * One thread.
 */
#ifndef BIGDATAFS_DELETION_DELETION_H
#define BIGDATAFS_DELETION_DELETION_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/service/api.h"
#include "bigdatafs/service/journal.h"

enum {
    DELETION_GUARD_S = 60,    /* the guard counts this far back */
    DELETION_RESENDS_MAX = 3, /* of a hard delete whose answer was lost ... */
    DELETION_RESEND_MS = 500, /* ... after this, doubled each time */
};

struct deletion_options {
    unsigned guard; /* single deletions in DELETION_GUARD_S; 0: no limit */
    bool dry_run;
};

struct deletion_stats {
    uint64_t archived; /* the service confirmed it */
    uint64_t accepted; /* hard deletes that the service accepted */
    uint64_t failed;   /* after the audit log's intent line */
    uint64_t refused;  /* before it */
};

typedef void deletion_done_fn(void *arg, int err);

struct deletions;
struct deletion;

/* What deletions are made from; all borrowed. */
struct deletion_parts {
    struct loop *loop;
    struct log *log;
    struct api *api;
    struct catalogue *catalogue;
    struct audit *audit;
    struct journal *journal;
};

int deletions_new(const struct deletion_parts *parts, const struct deletion_options *options,
                  struct deletions **out) MUST_CHECK;
void deletions_free(struct deletions *d); /* cancels what is under way; NULL is fine */

/* One deletion as it is asked for. */
struct deletion_request {
    enum request_op op;
    struct connector *connector;
    bool bulk; /* the guard does not count it */
    struct requester who;
    deletion_done_fn *done;
    void *arg;
};

/* Archives or hard-deletes the connector. 0: done is called once, later; *out may be given to
 * deletion_abandon until then. Else a negative errno, nothing was sent, done is not called:
 * -EBUSY a deletion is under way, -EDQUOT the guard. */
int deletion_start(struct deletions *d, const struct deletion_request *request,
                   struct deletion **out) MUST_CHECK;

/* Who waited waits no more: done is not called. A DELETE that was sent is followed to its end, by
 * GETs alone: none is sent from here on. */
void deletion_abandon(struct deletion *deletion);

/* Once, after the first list: takes up what the audit log says an earlier run left open. */
void deletions_recover(struct deletions *d);

/* The program is about to end: no deletion is begun any more (-EIO), those under way go on. */
void deletions_close(struct deletions *d);

/* The program is ending: no DELETE is sent any more, those whose answer is awaited end as unknown.
 * The loop has to run until deletions_under_way is 0 for their outcomes to be written. */
void deletions_stop(struct deletions *d);

/* Deletions that are not ended (jobs not counted). */
unsigned deletions_under_way(const struct deletions *d);
const struct deletion_stats *deletions_stats(const struct deletions *d);
/* One JSON object a line for each deletion under way and each hard delete that is followed. */
int deletions_render(const struct deletions *d, struct buf *to) MUST_CHECK;
/* Hard deletes that are accepted and followed. */
unsigned deletions_jobs(const struct deletions *d);

#endif
