/*
 * mount: one mount from start to end: makes the parts, fetches the first list, mounts, runs the
 * loop, and takes everything down again in the order that lets every answer be recorded.
 */
#ifndef BIGDATAFS_MOUNT_MOUNT_H
#define BIGDATAFS_MOUNT_MOUNT_H

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/mount/options.h"

enum {
    MOUNT_DRAIN_MS = 5000, /* for the answers of DELETEs under way when the mount ends */
    MOUNT_CLOSE_MS = 2000, /* for each further step of the end */
};

/* To be called first, before the options are parsed: what libfuse has to say then goes to stderr as
 * this program's own words. */
void mount_init(void);

/* Returns the exit status: 0 after a mount that ended cleanly. Whatever prevents the mount is one
 * sentence on stderr. ready_fd: told when the mount is ready (background.h), or -1. */
int mount_run(struct options *options, struct log *log, int ready_fd) MUST_CHECK;

#endif
