/*
 * park: requests that wait: for a list, for an answer of the service, or for the kernel to know
 * what changed. Each ends with exactly one reply, which whoever frees it has sent.
 *
 *   state      what holds                                 what ends it                        next
 *   WAITING    one thing is waited for: the waiter is in  it comes, with an errno or 0 SETTLED, or
 *              the catalogue, or deletion or bulk is set resume the caller is interrupted EINTR;
 * what was sent goes on        ended SETTLED    flush is set, the answer is known (err)    the
 * kernel knows what changed, or   resume PARK_FLUSH_MS have passed the caller is interrupted: the
 * same resume     nothing is waited for                      it replies and calls parked_end,
 * ended, or waits for the next thing         WAITING
 *
 * An interrupt of a SETTLED request whose directory is locked in the kernel ends it with EINTR.
 */
#ifndef BIGDATAFS_FUSE_PARK_H
#define BIGDATAFS_FUSE_PARK_H

#include <stdbool.h>
#include <stddef.h>

#include "bigdatafs/connector/name.h"
#include "bigdatafs/inode/change.h"
#include "bigdatafs/inode/command.h"
#include "context.h"

enum { PARK_FLUSH_MS = 1000 }; /* that a reply waits at most for the kernel to know what changed */

/* Called when what the request waits for has come, with its errno or 0. */
typedef void parked_fn(struct parked *p, int err);

enum parked_kind {
    PARKED_LOOKUP,
    PARKED_LISTING,
    PARKED_REFRESH,
    PARKED_RMDIR,
    PARKED_DELETION,
    PARKED_BULK,
};

struct parked_lookup {
    fuse_ino_t parent;
    bool asked; /* the service was asked for the id by itself */
    char name[NAME_SIZE];
};

struct parked_listing {
    fuse_ino_t dir;
    size_t size; /* of the answer, at most */
    off_t offset;
    bool plus;
};

struct parked_refresh {
    size_t size; /* of what was written */
};

/* An rmdir whose caller is being looked at: nothing is asked for yet. */
struct parked_rmdir {
    struct words_read *words;    /* NULL once they were read */
    struct connector *connector; /* pinned */
    char caller[REQUESTER_COMMAND_SIZE];
};

struct parked_deletion {
    struct deletion *deletion;   /* NULL once it has ended */
    struct connector *connector; /* pinned; NULL until the deletion is asked for */
    enum node_fate fate;         /* of the connector's directory, until the reply */
    size_t size;                 /* of what was written */
};

struct parked_bulk {
    struct bulk *bulk; /* NULL once it has ended */
    fuse_ino_t node;
    struct command_lines lines; /* what the write leaves if it succeeds */
    struct requester who;
    size_t size; /* of what was written */
};

struct parked {
    struct context *context;
    TAILQ_ENTRY(parked) link;
    fuse_req_t req;
    parked_fn *resume;
    struct catalogue_waiter waiter; /* when it waits for the catalogue */
    struct notify_flush *flush;     /* when it is settled */
    struct loop_timer flush_end;
    int err;               /* when it is settled: what resume is called with */
    bool locks;            /* the kernel holds a directory's lock until the reply: */
    enum notify_lock lock; /* which one */
    enum parked_kind kind; /* which member of the union is meant */
    union {
        struct parked_lookup lookup;
        struct parked_listing listing;
        struct parked_refresh refresh;
        struct parked_rmdir rmdir;
        struct parked_deletion deletion;
        struct parked_bulk bulk;
    };
};

/* A new request that waits, its member of the union all zero. NULL: no memory, or the caller was
 * interrupted already; the request was replied to. */
struct parked *park(fuse_req_t req, enum parked_kind kind, parked_fn *resume);
/* The kernel holds a directory's lock until the reply: see notify_hold. */
void parked_lock(struct parked *p, enum notify_lock lock, uint64_t victim);
/* To be called once everything is set up: from here on a signal to the caller ends the wait. */
void parked_allow_interrupt(struct parked *p);
/* What it waited for has come, with err: it resumes when the kernel knows what changed by it. */
void parked_settle(struct parked *p, int err);
/* Lets go of what it waits for and frees it. The reply was sent. */
void parked_end(struct parked *p);
/* Replies with err, a negative errno or 0, and ends it. */
void parked_end_with(struct parked *p, int err);
/* Replies that all of what was written was taken, or with err, and ends it. */
void parked_end_write(struct parked *p, int err, size_t size);
/* Answers all who wait with err, those whose answer is known with that. */
void parked_end_all(struct context *c, int err);

#endif
