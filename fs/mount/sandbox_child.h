/*
 * sandbox_child: the embedded API of --sandbox: bigdatafs-sandbox on a Unix socket in a directory
 * of its own (mode 0700), for as long as this process lives: it ends when the pipe that only this
 * process holds is closed, by whatever.
 */
#ifndef BIGDATAFS_MOUNT_SANDBOX_CHILD_H
#define BIGDATAFS_MOUNT_SANDBOX_CHILD_H

#include <stddef.h>

#include "bigdatafs/base/compiler.h"

enum {
    SANDBOX_SEED = 20,        /* connectors of a new database */
    SANDBOX_START_MS = 10000, /* until it listens */
    SANDBOX_END_MS = 5000,    /* until it ends by itself; then it is killed */
};

struct sandbox_child;

/* file: its database, made when missing; NULL: in memory. A negative errno, always
 * with a sentence in error. */
int sandbox_child_start(const char *file, struct sandbox_child **out, char *error,
                        size_t error_size) MUST_CHECK;
/* Where its messages can be read, non-blocking: a line each. */
int sandbox_child_messages(const struct sandbox_child *s);
const char *sandbox_child_socket(const struct sandbox_child *s);
/* Ends it and removes socket and directory. NULL is fine. */
void sandbox_child_stop(struct sandbox_child *s);

#endif
