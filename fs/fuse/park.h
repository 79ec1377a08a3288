/*
 * ops_internal: what the files of ops share: the session's context and the parked requests.
 * For fs/ops*.c alone.
 */
#ifndef BIGDATAFS_FUSE_PARK_H
#define BIGDATAFS_FUSE_PARK_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "bigdatafs/connector/name.h"
#include "bigdatafs/fuse/session.h"

struct session {
    struct session_config c;
    struct fuse_session *session;
    struct fuse_buf buf;
    struct loop_watch watch;
    bool watching;
    struct parked *parked; /* all of them */
    uint64_t count;
    char listing[SESSION_LISTING_MAX];
};

struct parked;
/* Called when what the request waits for has come: it replies and frees the parked request with
 * parked_end, or waits on. */
typedef void parked_fn(struct parked *p, int err);

/* A request that waits. Who frees it must have replied; what it waits for is let go. */
struct parked {
    struct session *session;
    struct parked *next, *prev;
    fuse_req_t req;
    parked_fn *resume;
    struct catalogue_waiter waiter; /* when waiting for the catalogue */
    struct deletion *deletion;      /* when waiting for a deletion */
    struct connector *connector;    /* of it, pinned */
    enum node_fate fate;            /* of its directory, until the reply */
    struct bulk *bulk;              /* when waiting for many */
    struct control_lines lines;     /* write to a bulk file: what it leaves if it succeeds */
    fuse_ino_t node;                /* lookup: the parent; readdir: the directory */
    size_t size;                    /* readdir: of the answer; write: of what was written */
    off_t offset;
    bool plus;
    struct notify_flush *flush; /* when waiting for the kernel to know what changed, with err */
    int err;
    struct loop_timer flush_end; /* when it is not waited for any longer */
    bool locks;                  /* the kernel holds a directory's lock for it: ... */
    enum notify_lock lock;       /* ... this one */
    bool asked;                  /* lookup: the id was asked for by itself */
    char name[NAME_SIZE];
};

/* NULL: no memory, or the caller was interrupted already: the request was replied to. */
struct parked *park(fuse_req_t req, parked_fn *resume);
/* The kernel holds a directory's lock until the reply: see notify_hold. */
void parked_lock(struct parked *p, enum notify_lock lock, uint64_t victim);
/* What it waited for has come, with err: it resumes when the kernel knows what changed by it. */
void parked_settle(struct parked *p, int err);
/* To be called once everything is set up: from here on a signal ends the wait. */
void parked_allow_interrupt(struct parked *p);
/* Lets go of what it waits for and frees it. The reply was sent. */
void parked_end(struct parked *p);
/* Answers all who wait with err, those whose answer is known with that. */
void parked_end_all(struct session *o, int err);

/* Who makes the request. */
struct requester requester_of_request(fuse_req_t req);
/* Whether the request was made by the program itself, through notify.c. */
bool session_is_own(fuse_req_t req);
struct session *session_of(fuse_req_t req);

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi);

#endif
