/*
 * resolve: deletions of which nobody knows what became of them: the answer was lost, or an earlier
 * run ended before it saw the end. The service is asked for the connector until a look tells, and
 * the audit log gets the answer. Nothing is ever deleted from here.
 *
 *   state    what is true in it           what ends it                  next
 *   WAITING  the timer is set             the timer is due              ASKING
 *   ASKING   a GET, the timer is not set  the answer: it tells          ends; follow.h goes on
 *                                         it does not, or none came     WAITING
 *
 * Two answers in a row tell that the connector is gone, API_GONE_AGAIN_MS apart; one tells that it
 * is archived. Either kind of deletion may take effect late, or be running, although its answer was
 * lost: only a connector that has not changed over RESOLVE_LOOKS answers is still there. One that
 * was accepted runs as long as the connector is there: it is handed to follow.h. The wait doubles
 * from FOLLOW_FIRST_MS to FOLLOW_SLOWEST_MS. An answer is dropped when something else was learned
 * of the connector after the question.
 *
 * A deletion of an earlier run whose look failed makes room for the next one: it goes to the back,
 * and is looked at again after a pause that doubles up to RESOLVE_SLOWEST_MS. A refusal (401, 403)
 * concerns all of them: no other is taken up during that pause, and then one at a time until a look
 * succeeds. One thread.
 */
#ifndef BIGDATAFS_DELETION_RESOLVE_H
#define BIGDATAFS_DELETION_RESOLVE_H

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/deletion/audit.h"
#include "follow.h"
#include "guard.h"

enum {
    RESOLVE_AT_ONCE = 16, /* those of earlier runs are taken up while fewer are looked at */
    RESOLVE_LOOKS = 5,    /* in all 15 s */
    RESOLVE_SLOWEST_MS = 600000,
};

struct resolutions;

/* The parts and follows are borrowed. */
int resolutions_new(const struct follow_parts *parts, struct follows *follows,
                    struct resolutions **out) MUST_CHECK;
/* Forgets what is looked at, without a word: the next mount finds it in the audit log. NULL is
 * fine. */
void resolutions_free(struct resolutions *r);

/* Finds out what became of a deletion of this run whose outcome is unknown. Without memory it is
 * left to the next mount. */
void resolutions_add(struct resolutions *r, const struct audit_record *record);
/* Once: takes up what the audit log says earlier runs left open, the oldest first. Blocks while it
 * reads. */
void resolutions_recover(struct resolutions *r, struct guard_history *history);
/* The program is ending: nothing more is taken up. */
void resolutions_stop(struct resolutions *r);

#endif
