/*
 * failures: the last FAILURES_MAX things that went wrong, for .bigdatafs/errors: what was tried,
 * for whom, what the service said, and what to do about it. Holds copies. One thread.
 */
#ifndef BIGDATAFS_SERVICE_JOURNAL_H
#define BIGDATAFS_SERVICE_JOURNAL_H

#include <stdint.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/service/api.h"

enum { FAILURES_MAX = 256 };

struct failure_note {
    const char *operation;           /* "archive", "hard delete", "list", "get" */
    const char *id;                  /* "" for none */
    const struct audit_who *who;     /* NULL: the program itself */
    int err;                         /* a negative errno */
    const struct api_result *result; /* that failed; NULL: it is not the service's answer */
    const char *reason;              /* in plain words */
    const char *hint;                /* NULL: by the result, or by err; else a literal */
};

struct failures;

int failures_new(struct failures **out) MUST_CHECK;
void failures_free(struct failures *f); /* NULL is fine */

void failures_add(struct failures *f, const struct failure_note *note);
uint64_t failures_count(const struct failures *f); /* since the start */

/* One JSON object a line, the oldest first: time, operation, id, uid, pid, command, status,
 * errorCode, message, requestId, errno, hint. */
int failures_render(const struct failures *f, struct buf *to) MUST_CHECK;

#endif
