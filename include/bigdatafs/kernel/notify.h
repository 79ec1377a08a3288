/*
 * notify: tells the kernel to forget what it cached, or what to keep, from a thread that does
 * nothing else: from the loop's thread these calls dead-lock while any request waits for the same
 * directory's lock.
 *
 * Everything is queued and sent in order, later; nothing is waited for and nothing can fail for the
 * caller (no memory is logged). The queue holds at most a few notifications for each inode that the
 * kernel knows. One thread calls.
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
    NOTIFY_ROOT_ID = 1, /* the kernel's number for the root of every mount */
    NOTIFY_FULL = 4096,
    NOTIFY_PAUSE_MS = 100,
};

struct fuse_pollhandle;
struct fuse_session;
struct notify;

int notify_new(struct loop *loop, struct log *log, struct notify **out) MUST_CHECK;
/* Drops what is queued and waits for the one call under way. NULL is fine. */
void notify_free(struct notify *n);

/* From here on notifications are sent; before it, and after notify_stop, they are dropped: the
 * kernel knows nothing yet, or no more. device is the mount's st_dev. */
void notify_start(struct notify *n, struct fuse_session *session, const char *mountpoint,
                  dev_t device);
void notify_stop(struct notify *n);
/* Whether so many are queued that who has many more should wait. */
bool notify_is_full(const struct notify *n);
/* How many the kernel has not been told of yet; at 0 this program is not on its own mount. */
unsigned notify_waiting(const struct notify *n);
/* Whether a call is under way: it may wait for a request of its own to be answered. */
bool notify_is_busy(struct notify *n);

/* A name now means another inode, or none. */
void notify_name(struct notify *n, uint64_t parent, const char *name);
/* A name is to be looked up again; what has it open or as its working directory keeps it. */
void notify_expire(struct notify *n, uint64_t parent, const char *name);
/* An inode's attributes, and with data its pages or its cached listing, are out of date. */
void notify_inode(struct notify *n, uint64_t node, bool data);
/* A directory is gone: who watches or uses it is told. */
void notify_deleted(struct notify *n, uint64_t parent, uint64_t child, const char *name);
/* The same, and more: it is removed through the mount itself, by its path below the mount point,
 * so that those who watch its parent with inotify see it. The rmdir that this causes comes from
 * notify_tid. child is 0 when the kernel does not know it. */
void notify_removed(struct notify *n, uint64_t parent, uint64_t child, const char *name,
                    const char *path);

/* The whole content of a file, for the kernel to keep. */
struct notify_file {
    uint64_t node;
    const char *data;
    size_t size; /* > 0 */
};
/* What is there is borrowed until done is called: once, from the loop, whether it was sent or
 * dropped; at once when nothing can be sent. The nodes must stay the kernel's, or unused, until
 * then. */
void notify_store(struct notify *n, const struct notify_file *files, size_t count,
                  void (*done)(void *arg), void *arg);

/* While a request that holds a directory's lock in the kernel waits for the service, notifications
 * that would wait for that lock are held back, those that are queued already too: inside the kernel
 * a kill -9 cannot end them, and the mount would outlive the program, dead, until umount -f. What
 * remains is one notification that begins in the moment between the kernel's taking of the lock and
 * this call. Calls nest. After a removal others may have queued up for the root's
 * lock, which goes from one to the next before any of them is heard of here: the root's names are
 * held back until no removal has come for NOTIFY_PAUSE_MS. */
enum notify_lock {
    NOTIFY_LISTS,   /* of the root or .archived, whose names are expired, deleted and removed */
    NOTIFY_REMOVAL, /* the same, and of the connector's directory that is being removed */
};
void notify_hold(struct notify *n, enum notify_lock lock, uint64_t victim);
void notify_release(struct notify *n, enum notify_lock lock);

/* Who is about to answer a request and wants the kernel to know first what was posted so far: done
 * is called from the loop when all that is not held back was sent. NULL when there is nothing to
 * wait for or it cannot be waited for: no memory, or what is queued may need the lock that the
 * request (locks), or another that waits, holds. */
struct notify_flush;
struct notify_flush *notify_flush(struct notify *n, bool locks, void (*done)(void *arg), void *arg);
/* done will not be called. */
void notify_flush_cancel(struct notify_flush *f);

/* Wakes those who wait with poll(2) on the file of the handle, at once and from the loop's thread,
 * where this call is safe. Takes the handle: it is freed. */
void notify_poll(struct fuse_pollhandle *handle);

/* The thread whose requests are the program's own. */
pid_t notify_tid(const struct notify *n);

#endif
