/*
 * say: sentences on stderr, for the person who typed the command: why there is no mount, and what
 * libfuse has to say. What a mount says is the log's. None of them holds the program up for longer
 * than SAY_MS when nobody reads stderr: there may be a mount by then.
 */
#ifndef BIGDATAFS_MOUNT_SAY_H
#define BIGDATAFS_MOUNT_SAY_H

#include <stdarg.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/kernel/libfuse.h"

enum { SAY_MS = 1000 };

/* "bigdatafs: what: why", or without why when that is empty. */
void say(const char *what, const char *why);

/* libfuse's own words, as ours: for fuse_set_log_func. Not waited for. */
void say_for_fuse(enum fuse_log_level level, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

#endif
