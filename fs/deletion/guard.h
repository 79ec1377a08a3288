/*
 * guard: stops a program that deletes one connector after another ("-o guard=" in bigdatafs(1)). It
 * counts the single deletions of one go: those that follow each other.
 *
 *   state   what is true                          what ends it
 *   REST    count is 0                            a deletion is let through: GO
 *   GO      deletions were let through; from      GUARD_QUIET_MS without a deletion that begins, is
 *           the most-th on all are refused        under way, ends or is refused: REST
 *
 * A deletion that takes long prolongs the go until it has ended. One that is refused prolongs it
 * too, for the program that deletes has not given up; but what was refused later than
 * GUARD_REFUSED_MS after the last deletion that was let through prolongs nothing, so that a program
 * that tries for ever does not lock everybody out for ever.
 *
 * The earlier runs' deletions count too: guard_history is told of them in the order of the audit
 * log. Times are milliseconds of the caller's clock, which never runs backwards; those of the
 * history are seconds of the time of day. Plain values; one thread.
 */
#ifndef BIGDATAFS_DELETION_GUARD_H
#define BIGDATAFS_DELETION_GUARD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GUARD_QUIET_MS = 60000,
    GUARD_REFUSED_MS = 600000,
};

struct guard {
    unsigned most; /* let through in one go; 0: any number */
    unsigned count;
    unsigned under_way;
    uint64_t moved_ms; /* when a deletion last began, ended or was refused in this go */
    uint64_t let_ms;   /* when one last began or ended in this go */
};

/* The go that the audit log ends with. Born as zeroes. */
struct guard_history {
    unsigned count;
    int64_t moved_s;
};

/* Whether one more may begin now; guard_end is owed for each that may. */
bool guard_begin(struct guard *g, uint64_t now_ms);
void guard_end(struct guard *g, uint64_t now_ms);
/* How many the go under way has; 0: there is none. */
unsigned guard_count(const struct guard *g, uint64_t now_ms);

/* A single deletion began, or ended, at this time of an earlier run. */
void guard_history_begin(struct guard_history *h, int64_t time_s);
void guard_history_end(struct guard_history *h, int64_t time_s);
/* Adds what the earlier runs began, if their go has not ended by this time of day. */
void guard_recall(struct guard *g, const struct guard_history *h, int64_t time_s, uint64_t now_ms);

#endif
