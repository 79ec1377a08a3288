/*
 * background: the program's way to the background: the process that was started waits until the
 * one in the background serves the mount, and ends with its verdict. No waiting by time: a pipe
 * tells.
 *
 * To be called before anything is opened or any thread started.
 */
#ifndef BIGDATAFS_MOUNT_BACKGROUND_H
#define BIGDATAFS_MOUNT_BACKGROUND_H

#include "bigdatafs/base/compiler.h"

/* Forks. 0 in the new process, which leads its own session and holds *ready_fd for
 * background_ready. 1 in the old one, once the verdict is there: *status is what to exit with: 0
 * when the mount is ready, else what the new process ended with, which said why on stderr; that it
 * was killed is said here. A negative errno when there is no new process. */
int background_start(int *ready_fd, int *status) MUST_CHECK;

/* In the new process, when all is ready: goes to "/", lets go of the terminal (the standard
 * descriptors are /dev/null from here on) and tells the old one. Closes ready_fd. An error (the
 * old one was killed, say) means that nobody was told. */
int background_ready(int ready_fd) MUST_CHECK;

#endif
