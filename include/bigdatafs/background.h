/*
 * background: the way of a daemon into the background, and its word to the parent that it is ready.
 */
#ifndef BIGDATAFS_BACKGROUND_H
#define BIGDATAFS_BACKGROUND_H

#include "bigdatafs/compiler.h"

/* Forks. In the child: 0, *ready_fd is for background_ready. In the parent, which waits for the
 * child's word or end: 1, and *status is what it is to exit with. Else a negative errno. */
int background_start(int *ready_fd, int *status) MUST_CHECK;

/* In the child: leaves the directory and the terminal, and lets the parent go with success. */
int background_ready(int ready_fd) MUST_CHECK;

#endif
