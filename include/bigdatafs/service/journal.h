/*
 * journal: the last JOURNAL_MAX things that went wrong, for .bigdatafs/errors: what was tried,
 * for whom, what the service said, and what to do about it. Holds copies. One thread.
 *
 * What repeats one of the last JOURNAL_LOOK_BACK lines is counted in that line, which moves to the
 * end and tells of the last one: the same operation and errno for the same user, and the same
 * status and errorCode of the service or, without the service, the same reason.
 */
#ifndef BIGDATAFS_SERVICE_JOURNAL_H
#define BIGDATAFS_SERVICE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/service/result.h"

enum {
    JOURNAL_MAX = 256,
    JOURNAL_LOOK_BACK = 8,
};

struct journal_note {
    const char *operation;           /* "archive", "hard delete", "list", "get" */
    const char *id;                  /* "" for none */
    const char *label;               /* of the connector; NULL: not known */
    const struct requester *who;     /* NULL: the program itself */
    int err;                         /* a negative errno */
    const struct api_result *result; /* of the operation; NULL: it failed without the service */
    const char *reason;              /* in plain words */
    const char *hint;                /* NULL: by the result, or by err; else a literal */
    bool each;                       /* a repeat has the same id: there is a line for each */
};

struct journal;

int journal_new(struct journal **out) MUST_CHECK;
void journal_free(struct journal *j); /* NULL is fine */

void journal_add(struct journal *j, const struct journal_note *note);
uint64_t journal_count(const struct journal *j); /* since the start */

/* One JSON object a line, the oldest first: time, operation, id, label, uid, pid, command, status,
 * errorCode, message, requestId, errno, hint, count; uid, pid and command only with a requester. A
 * line has all of its members or is not rendered: -ENOMEM, or -EFBIG past the maximum of the
 * buffer. */
int journal_render(const struct journal *j, struct buf *to) MUST_CHECK;

#endif
