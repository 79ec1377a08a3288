/*
 * mountpoint: where a mount may go, seen before anything is started.
 */
#ifndef BIGDATAFS_MOUNT_MOUNTPOINT_H
#define BIGDATAFS_MOUNT_MOUNTPOINT_H

#include <stddef.h>

#include "bigdatafs/base/compiler.h"

/* 0 and *path, the resolved mount point, which is the caller's; or -EINVAL, with one sentence in
 * error. */
int mountpoint_check(const char *given, char **path, char *error, size_t error_size) MUST_CHECK;

#endif
