/*
 * deletion: the only way to have the service delete something. One deletion is one request of a
 * user, from the guard to the last line of the audit log:
 *
 *   state       what is true in it                    what ends it               next
 *   INTENT      nothing was sent; the audit log has   the line is on the disk    DISPATCHED
 *               the intent line                       it cannot be written, or
 *                                                     nobody wants it any more   OUTCOME
 *   DISPATCHED  dispatch.h has the service delete,    it is over                 OUTCOME
 *               and finds out whether it did
 *   OUTCOME     the audit log has the outcome line    the line is on the disk    done is called
 *
 * No DELETE is sent before its intent line is on the disk. There is one deletion of a connector at
 * a time: until OUTCOME its progress says so. Success is told only when the service said so or a
 * GET showed it. A hard delete that was accepted is then followed until it has ended (follow.h),
 * and a deletion whose outcome is unknown is looked at until it is known (resolve.h). One thread.
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
#include "bigdatafs/deletion/kinds.h"
#include "bigdatafs/service/api.h"
#include "bigdatafs/service/journal.h"

/* Which deletions are sent at all. */
enum { DELETION_PATIENCE_MS = 1000 }; /* for a line of the audit log, at least */

struct deletion_options {
    enum deletion_kinds kinds;
    unsigned guard; /* single deletions in one go; 0: any number */
    bool dry_run;
};

struct deletion_stats {
    uint64_t archived; /* confirmed by the service */
    uint64_t accepted; /* hard deletes that the service accepted */
    uint64_t failed;   /* after the intent line was handed to the audit log */
    uint64_t refused;  /* before that */
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
/* Cancels what is under way, without a word; the audit log, whose lines end deletions, was freed
 * before. NULL is fine. */
void deletions_free(struct deletions *d);

/* One deletion as it is asked for. */
struct deletion_request {
    enum request_op op;
    struct connector *connector;
    bool bulk; /* the guard does not count it */
    struct requester who;
    deletion_done_fn *done;
    void *arg;
};

/* Archives or hard-deletes the connector. Who was interrupted and asks for the same again, the same
 * process of the same user, joins what is under way: that sends nothing by itself. 0: done is
 * called once, later; until then *out may be given to deletion_abandon. A negative errno: nothing
 * was sent, and done is not called. -EBUSY: a deletion of it is under way or followed, unless it is
 * a hard delete of one that is stalled: that is sent after a GET that shows the connector still
 * there; -EDQUOT: the guard; -EPERM: options.kinds; -EIO: the audit log cannot be written, or the
 * program is ending; -ENOMEM. */
int deletion_start(struct deletions *d, const struct deletion_request *request,
                   struct deletion **out) MUST_CHECK;

/* Nobody waits for it any more: done is not called, unless who asked joins it again. No DELETE is
 * sent from here on, but for that; one that was sent already is followed to its end. */
void deletion_abandon(struct deletion *deletion);

/* Once, after the first list: takes up what earlier runs left open, by the audit log, and goes on
 * with the guard's go that it ends with. */
void deletions_recover(struct deletions *d);

/* The program is about to end: no deletion is begun any more (-EIO); those under way go on. */
void deletions_close(struct deletions *d);

/* The program is ending: no DELETE is sent any more, and those that were sent without an answer end
 * as unknown. Their outcomes are written when the loop has run until deletions_under_way is 0. */
void deletions_stop(struct deletions *d);

/* Deletions that have not ended, without the hard deletes that are followed. */
unsigned deletions_under_way(const struct deletions *d);
const struct deletion_stats *deletions_stats(const struct deletions *d);
/* One JSON object a line for each deletion under way and each hard delete that is followed. */
int deletions_render(const struct deletions *d, struct buf *to) MUST_CHECK;
/* How many single deletions the guard has counted in the go that is under way. */
unsigned deletions_in_go(const struct deletions *d);
/* Hard deletes that are accepted and followed. */
unsigned deletions_jobs(const struct deletions *d);

#endif
