/*
 * notify: tells the kernel to forget what it cached, or what to keep, from a thread that does
 * nothing else. The loop's thread must not make these calls: each may wait in the kernel until the
 * lock of a directory is free, and a request that this program has still to answer may hold it.
 *
 * Everything is queued, and sent later. What is told of one directory is sent in the order of the
 * calls, unless it has to be held back (notify_hold); nothing is waited for, and nothing can fail
 * for the caller: when there is no memory that is logged. The queue holds at most a few
 * notifications for each inode that the kernel knows. All functions are for the loop's thread.
 */
#ifndef BIGDATAFS_KERNEL_NOTIFY_H
#define BIGDATAFS_KERNEL_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"

enum {
    NOTIFY_ROOT_ID = 1,    /* the kernel's number for the root of every mount */
    NOTIFY_FULL = 4096,    /* notifications in the queue: see notify_is_full */
    NOTIFY_PAUSE_MS = 100, /* see notify_hold */
};

struct fuse_pollhandle;
struct fuse_session;
struct notify;

int notify_new(struct loop *loop, struct log *log, struct notify **out) MUST_CHECK;
/* Drops all that was not sent, tells those who wait for it, and waits for the call that is under
 * way. NULL is fine. */
void notify_free(struct notify *n);

/* Notifications are sent from notify_start to notify_stop. Before and after, those that are posted
 * are dropped, because the kernel knows nothing yet, or will soon know nothing any more. What is
 * queued when notify_stop is called is not sent either. Start once. device is the st_dev of the
 * mount. */
void notify_start(struct notify *n, struct fuse_session *session, const char *mountpoint,
                  dev_t device);
void notify_stop(struct notify *n);

/* Whether so many are queued that whoever has many more to post should wait. */
bool notify_is_full(const struct notify *n);
/* How many were posted and not sent yet, those that are held back included. At 0 no call of this
 * program on its own mount is under way. */
unsigned notify_waiting(const struct notify *n);
/* Whether a call is under way. It may have made a request that waits for its answer. */
bool notify_is_busy(struct notify *n);

/* A name of a connector's directories, or of .bigdatafs, means another inode now, or none. */
void notify_name(struct notify *n, uint64_t parent, const char *name);
/* A name of the root or .archived is to be looked up again. Whoever has the directory open, or
 * works in it, keeps it. */
void notify_expire(struct notify *n, uint64_t parent, const char *name);
/* The attributes of an inode are out of date; with data its pages, or its listing, are too. */
void notify_inode(struct notify *n, uint64_t node, bool data);
/* A directory of the root or .archived is gone: whoever watches or uses it is told. */
void notify_deleted(struct notify *n, uint64_t parent, uint64_t child, const char *name);
/* The same, and the directory is removed through the mount itself, by its path below the mount
 * point, so that those who watch its parent with inotify see it. The rmdir request that this causes
 * comes from notify_tid. child is 0 when the kernel does not know the directory. */
void notify_removed(struct notify *n, uint64_t parent, uint64_t child, const char *name,
                    const char *path);

/* The whole content of a file, for the kernel to keep. */
struct notify_file {
    uint64_t node;
    const char *data;
    size_t size; /* > 0 */
};
/* The files and their content are borrowed until done is called: exactly once, from the loop,
 * whether they were sent or dropped; at once when nothing can be sent. Until then the kernel must
 * know the nodes, or their numbers must not be used for others. */
void notify_store(struct notify *n, const struct notify_file *files, size_t count,
                  void (*done)(void *arg), void *arg);

/* The kernel holds the lock of a directory until a request that looks up or removes a name in it is
 * answered, and such a request may wait for the service for long. A notification about another name
 * of the same directory needs the same lock. If the thread sent it now, it would wait inside the
 * kernel, where not even kill -9 ends it: a program that is killed would leave a dead mount behind,
 * until umount -f.
 *
 * So whoever lets a request wait calls notify_hold before, and notify_release when it is answered.
 * In between, notifications that need the lock are held back, those that were queued before too;
 * the others pass. Several requests may hold the same lock. One gap remains: a notification whose
 * sending begins after the kernel took the lock, and before this program hears of the request.
 *
 * The gap is wide after a removal: further removals in the root may be waiting for its lock, which
 * the kernel hands from one to the next before this program hears of any of them. So after each
 * release of a removal the names of the root are held back for a pause: until NOTIFY_PAUSE_MS have
 * passed without another one. */
enum notify_lock {
    NOTIFY_LISTS,   /* the lock of the root or of .archived, by a request that lists or looks up */
    NOTIFY_REMOVAL, /* the same, and that of the connector's directory that is to be removed */
};
/* victim: for NOTIFY_REMOVAL the node of the directory that is to be removed, or 0 when it is not
 * known. Then the names of all connectors' directories are held back. */
void notify_hold(struct notify *n, enum notify_lock lock, uint64_t victim);
void notify_release(struct notify *n, enum notify_lock lock);

/* For one who is about to answer a request, and wants the kernel to know before the answer what was
 * posted so far: done is called from the loop when all of it was sent, save what is held back for
 * another request. locks: this request itself holds a lock (notify_hold).
 *
 * NULL, and done is never called, when there is nothing to wait for; when there is no memory; and
 * when the wait might not end, because a notification that was queued may be waiting for the lock
 * of this request or of another. With locks it is NULL during a pause as well. */
struct notify_flush;
struct notify_flush *notify_flush(struct notify *n, bool locks, void (*done)(void *arg), void *arg);
/* For a flush whose done was not called yet: it will not be. */
void notify_flush_cancel(struct notify_flush *f);

/* Wakes those who wait with poll(2) on the file of the handle, at once and from the loop's thread,
 * where this call is safe. Takes the handle: it is freed. */
void notify_poll(struct fuse_pollhandle *handle);

/* The thread that sends. Requests with this pid are caused by the program itself. */
pid_t notify_tid(const struct notify *n);

#endif
