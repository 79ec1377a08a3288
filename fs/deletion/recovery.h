/*
 * recovery: reads from the audit log what earlier runs left open, so that their ends can be found
 * out. One thread.
 */
#ifndef BIGDATAFS_DELETION_RECOVERY_H
#define BIGDATAFS_DELETION_RECOVERY_H

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/deletion/audit.h"
#include "guard.h"
#include "opens.h"

enum {
    RECOVERY_MAX =
        65536, /* open deletions that are read; those after them wait for another mount */
};

/* Reads what earlier runs on this service left open, the oldest first, without who asked. history,
 * born as zeroes, is told of the deletions that the guard counts. What belongs to a run that still
 * lives is passed over, and so are lines that are no audit lines. Blocks. -ENOMEM, or the errno of
 * opening the file; a file that is absent holds nothing. */
int recovery_read(const struct audit *a, struct opens *to,
                  struct guard_history *history) MUST_CHECK;

#endif
