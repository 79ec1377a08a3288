/*
 * job: a line of .bigdatafs/jobs, for one deletion that has not ended: id, label, operation, state.
 */
#ifndef BIGDATAFS_DELETION_JOB_H
#define BIGDATAFS_DELETION_JOB_H

#include <stdint.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/deletion/audit_record.h"

enum { JOB_NO_TIME = -1 };

/* quiet_s: since the service last showed progress, or JOB_NO_TIME. -ENOMEM, -EFBIG. */
int job_render(struct buf *to, const struct audit_record *r, const char *state,
               int64_t quiet_s) MUST_CHECK;

#endif
