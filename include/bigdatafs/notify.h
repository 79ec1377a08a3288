/*
 * notify: tells the kernel to forget what it cached, from a thread that does nothing else: from
 * the loop's thread these calls dead-lock while any request waits for the same directory's lock.
 *
 * Everything is queued by value and sent in order, later; nothing is waited for and nothing can
 * fail for the caller (no memory is logged). The queue holds at most a few notifications for each
 * inode that the kernel knows. One thread calls.
 */
#ifndef BIGDATAFS_NOTIFY_H
#define BIGDATAFS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bigdatafs/compiler.h"
#include "bigdatafs/log.h"
#include "bigdatafs/loop.h"

enum { NOTIFY_PAUSE_MS = 100 };

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

/* While a request that holds a directory's lock in the kernel waits for the service, notifications
 * about names are held back, those that are queued already too: they would wait for that lock
 * inside the kernel, where a kill -9 cannot end them, and the mount would outlive the program,
 * dead, until umount -f. What remains is one notification that begins in the moment between the
 * kernel's taking of the lock and this call. Calls nest. removal: from the root, where
 * others may have queued up for the lock, which goes from one to the next before any of them is
 * heard of here: the root's names are held back until no removal has come for NOTIFY_PAUSE_MS. */
void notify_hold(struct notify *n);
void notify_release(struct notify *n, bool removal);

/* The thread whose requests are the program's own. */
pid_t notify_tid(const struct notify *n);

#endif
