/*
 * audit: the record of every deletion, JSON lines in one file that is only ever appended to.
 *
 *   {"time","event":"intent","key","op","id","label","source","uid","gid","pid","command","connector",
 *    "connector_age_s"}
 *        written and made durable before the first request is sent; "bulk":true when it was asked
 *        for by a bulk file, "dry_run":true when nothing will be sent
 *   {"time","event":"outcome","key","op","id","label","result","errno","status","requests","reason"}
 *        result: "done" (the service said yes), "failed" (it did not, or nothing was sent),
 *        "unknown" (a request was sent and its answer never came)
 *   {"time","event":"resolved","key","op","id","label","result"}
 *        what a later GET showed of an unknown outcome or an accepted hard delete:
 *        "archived", "still there", "gone"
 *
 * Where the path names another file than before (the log was renamed or removed), or the file
 * became shorter (it was copied and truncated), an intent with "carried" is written for each
 * deletion that is open, before any other line.
 *
 * A line is written whole or not at all. Lines are written by a thread of their own; those that
 * come meanwhile share the next write and its fdatasync, so that many deletions at once wait for
 * the disk as long as one. All functions are called from one thread.
 */
#ifndef BIGDATAFS_DELETION_AUDIT_H
#define BIGDATAFS_DELETION_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/deletion/audit_record.h"

enum {
    AUDIT_DRAIN_MS = 2000,
    AUDIT_LINE_MAX = SNAPSHOT_TEXT_MAX + 8192,
};

/* How a deletion ended, as far as this run knows. */
enum audit_result {
    AUDIT_DONE,    /* the service said yes, or a GET showed it */
    AUDIT_FAILED,  /* the service said no, or nothing was sent */
    AUDIT_UNKNOWN, /* a DELETE was sent, and nothing tells what became of it */
};

/* What became of the connector, once a GET told. */
enum audit_fate { AUDIT_ARCHIVED, AUDIT_STILL_THERE, AUDIT_GONE };

/* As in the lines of the file: "done", "failed", "unknown". */
const char *audit_result_name(enum audit_result result);
/* "archived", "still there", "gone": in the file, and for people. */
const char *audit_fate_name(enum audit_fate fate);

struct audit_outcome {
    enum audit_result result;
    int err; /* 0 or a negative errno */
    long status;
    unsigned requests;
    const char *reason; /* "" for none */
};

typedef void audit_done_fn(void *arg, int err);

struct audit;

/* Opens the file, or makes it with mode 0600. source names the service, so that mounts of several
 * services can share a file. When the file cannot be opened, the audit exists all the same, and
 * each intent fails with that errno: nothing is deleted without a record. */
int audit_new(struct loop *loop, struct log *log, const char *path, const char *source,
              struct audit **out) MUST_CHECK;
/* Writes what was handed over, and tells; a disk that does not answer for AUDIT_DRAIN_MS is left to
 * itself, with what it did not write, and the log says so. NULL is fine. */
void audit_free(struct audit *a);

/* Whether the run that made this key still has the file open. */
bool audit_run_lives(const struct audit *a, const char *key);

/* 0, or why the file could not be opened. What fails later is told to the done of each line. */
int audit_state(const struct audit *a) MUST_CHECK;
/* Whether the file was found to end in the middle of a line: the next line begins after it. */
bool audit_is_torn(const struct audit *a) MUST_CHECK;
const char *audit_path(const struct audit *a);
const char *audit_source(const struct audit *a);

/* Writes the intent and makes it durable: done is called with 0 when the line is on the disk, else
 * with a negative errno. An error here means that nothing is written and done is not called:
 * -ENOMEM, or the errno of audit_state. snapshot is the connector as it is now; NULL leaves it
 * out. */
int audit_intent(struct audit *a, struct audit_record *record, const struct snapshot *snapshot,
                 audit_done_fn *done, void *arg) MUST_CHECK;
/* Writes the outcome. done, which may be NULL, is called when that has succeeded or failed, which
 * may be before this returns; a failure is logged. */
void audit_outcome(struct audit *a, const struct audit_record *record,
                   const struct audit_outcome *outcome, audit_done_fn *done, void *arg);
/* A deletion that an earlier run left open: its lines are put into the file that follows when the
 * log is rotated, as those of this run are. */
void audit_adopt(struct audit *a, const struct audit_record *record, bool accepted);
/* Writes what became of the connector. A failure is logged. */
void audit_resolved(struct audit *a, const struct audit_record *record, enum audit_fate fate);

#endif
