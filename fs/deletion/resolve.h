/*
 * resolve: deletions of which nobody knows what became of them: the answer was lost, or an earlier
 * run ended before it saw the end. The service is asked for the connector until a look tells, and
 * the audit log gets the answer. Nothing is ever deleted from here.
 *
 *   state    what is true in it           what ends it                  next
 *   WAITING  the timer is set             the timer is due              ASKING
 *   ASKING   the timer is not set, the    the answer: it tells          ends; follow.h goes on
 *            catalogue has the question   it does not, or none came     WAITING
 *
 * An archive is told by the first answer. A hard delete may be running although its answer was
 * lost: only one that shows no progress over RESOLVE_LOOKS answers is still there. One that was
 * accepted runs as long as the connector is there: it is handed to follow.h. The wait doubles from
 * FOLLOW_FIRST_MS to FOLLOW_SLOWEST_MS. One thread.
 */
#ifndef BIGDATAFS_DELETION_RESOLVE_H
#define BIGDATAFS_DELETION_RESOLVE_H

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/deletion/audit.h"
#include "follow.h"
#include "guard.h"

enum {
    RESOLVE_AT_ONCE = 16, /* those of earlier runs are taken up while fewer are looked at */
    RESOLVE_LOOKS = 4,
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
