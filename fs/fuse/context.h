/*
 * context: what every FUSE operation of a session can reach: the parts, all borrowed, and the
 * requests that wait.
 */
#ifndef BIGDATAFS_FUSE_CONTEXT_H
#define BIGDATAFS_FUSE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/deletion/bulk.h"
#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/kernel/libfuse.h"
#include "bigdatafs/kernel/notify.h"
#include "bigdatafs/service/journal.h"

enum { LISTING_MAX = 1 << 17 }; /* bytes of one answer to readdir */

struct nodes;
struct parked;
struct words;

struct context {
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
    struct words *words;
    TAILQ_HEAD(, parked) parked;
    uint64_t unanswered;       /* requests that want no answer, such as FORGET */
    char listing[LISTING_MAX]; /* the answer that is being made */
};

static inline struct context *context_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/* Whether the request was made by the program itself, through its own mount. */
static inline bool context_is_own(fuse_req_t req)
{
    return fuse_req_ctx(req)->pid == notify_tid(context_of(req)->notify);
}

/* Who makes the request. */
static inline struct requester context_requester(fuse_req_t req)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    return requester_of(ctx->uid, ctx->gid, ctx->pid);
}

#endif
