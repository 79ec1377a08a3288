/*
 * session: the FUSE session: takes the kernel's requests and has each operation answer its own, at
 * once from memory, or, when it waits for the service, from the completion. A signal to the caller
 * ends the wait with EINTR, never what was sent.
 */
#ifndef BIGDATAFS_FUSE_SESSION_H
#define BIGDATAFS_FUSE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/deletion/bulk.h"
#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/kernel/notify.h"
#include "bigdatafs/service/journal.h"

struct fuse_args;
struct fuse_session;
struct nodes;
struct session;

/* What a session is made from; all borrowed. */
struct session_parts {
    struct loop *loop;
    struct log *log;
    struct catalogue *catalogue;
    struct nodes *nodes;
    struct deletions *deletions;
    struct bulks *bulks;
    struct journal *journal;
    struct notify *notify;
    bool confirm_id;    /* .force_delete takes the connector's id alone */
    bool rmdir_emptied; /* rmdir(2) of a connector that still shows a name is ENOTEMPTY for all */
};

/* Makes the session from libfuse's options. -EINVAL: an option is unknown, libfuse said which on
 * stderr; -ENOMEM. */
int session_new(const struct session_parts *parts, struct fuse_args *args,
                struct session **out) MUST_CHECK;
/* Ends the session; nothing may be parked. NULL is fine. */
void session_free(struct session *s);

struct fuse_session *session_fuse(struct session *s);

/* Takes requests of the mounted session from now on. The loop stops when the mount ends. */
int session_start(struct session *s) MUST_CHECK;
/* Answers all who wait with err; what was sent goes on. No request is taken any more. */
void session_stop(struct session *s, int err);

/* Requests that wanted an answer, since the start. */
uint64_t session_count(const struct session *s);

#endif
