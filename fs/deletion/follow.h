/*
 * follow: hard deletes that the service accepted. It may work on one for a long time, so the
 * connector is asked for until the service answers that it has gone; then it goes from the tree,
 * and the audit log is told.
 *
 *   state    what is true in it             what ends it           next
 *   WAITING  the timer is set, no GET       the timer is due       ASKING; WAITING without memory
 *   ASKING   a GET, the timer is not set    its answer: gone, and  ends
 *                                           so was the one before
 *                                           any other              WAITING
 *   HELD     a deletion asks for the same   follows_release, or    WAITING, or ends
 *            again: no timer, no GET        follows_add again      WAITING
 *
 * The wait grows by half from FOLLOW_FIRST_MS to FOLLOW_SLOWEST_MS; after the first "gone" it is
 * API_GONE_AGAIN_MS, since the answer may be that of a replica that lags. An answer is dropped when
 * something else was learned of the connector after the question. In both states the connector
 * is pinned, and its progress says deleting or, after FOLLOW_STALLED_MS without a change, stalled.
 * One thread.
 */
#ifndef BIGDATAFS_DELETION_FOLLOW_H
#define BIGDATAFS_DELETION_FOLLOW_H

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/service/api.h"

enum {
    FOLLOW_FIRST_MS = 1000,
    FOLLOW_SLOWEST_MS = 30000,
    FOLLOW_STALLED_MS = 600000,
};

/* What following is made from; all borrowed. */
struct follow_parts {
    struct loop *loop;
    struct log *log;
    struct api *api;
    struct catalogue *catalogue;
    struct audit *audit;
};

struct follows;

int follows_new(const struct follow_parts *parts, struct follows **out) MUST_CHECK;
/* Forgets what is followed, without a word: the next mount finds it in the audit log. NULL is
 * fine. */
void follows_free(struct follows *f);

/* Follows the hard delete, which nothing else does; one of the same connector that is held was lost
 * by the service, and its end in the audit log is that it was still there. Without memory it is
 * left to the next mount, and the log says so. */
void follows_add(struct follows *f, struct connector *connector, const struct audit_record *record);

/* Leaves the stalled hard delete of the connector to the one deletion that asks for it again. */
void follows_hold(struct follows *f, const struct connector *connector);
/* That deletion has ended. Where follows_add has not replaced it by what was accepted anew, what
 * was held goes on, or ends when the connector is gone. */
void follows_release(struct follows *f, const struct connector *connector);

unsigned follows_count(const struct follows *f);
/* One JSON object a line. */
int follows_render(const struct follows *f, struct buf *to) MUST_CHECK;

#endif
