/*
 * words: the command line of a process, for caller.h. /proc reads it from the process' own memory,
 * which may be a file that never answers: so a thread reads it, and is left to itself when it takes
 * too long. One thread calls; done comes from the loop.
 */
#ifndef BIGDATAFS_FUSE_WORDS_H
#define BIGDATAFS_FUSE_WORDS_H

#include <stddef.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/loop.h"

enum {
    WORDS_MAX_BYTES = 8 << 20, /* of a command line, more than Linux takes by default; else cut */
    WORDS_DEADLINE_MS = 500,   /* then there are none */
    WORDS_THREADS_MAX = 16,    /* that read, or are left to themselves */
};

struct words;
struct words_read;

/* words: each ends with a NUL; borrowed for the call. len is 0 when they cannot be had, or not
 * whole. */
typedef void words_done_fn(void *arg, const char *words, size_t len);

int words_new(struct loop *loop, struct words **out) MUST_CHECK;
/* Nothing may be read any more, but by threads that were left to themselves. NULL is fine. */
void words_free(struct words *w);

/* done is called once, later, unless it is cancelled. -ENOMEM; -EAGAIN: too many threads are stuck.
 */
int words_start(struct words *w, pid_t pid, words_done_fn *done, void *arg,
                struct words_read **out) MUST_CHECK;
void words_cancel(struct words_read *r);

#endif
