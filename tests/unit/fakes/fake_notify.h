/*
 * fake_notify: notify.h without a kernel: what it is told is recorded, and files that it is to keep
 * are on their way until the test says that they have arrived.
 */
#ifndef BIGDATAFS_TESTS_FAKE_NOTIFY_H
#define BIGDATAFS_TESTS_FAKE_NOTIFY_H

#include "bigdatafs/kernel/notify.h"

enum { FAKE_TOLD_MAX = 4096 };

enum fake_told { TOLD_NAME, TOLD_EXPIRE, TOLD_INODE, TOLD_DATA, TOLD_DELETED, TOLD_REMOVED };

/* What a test waits for with poll(2); freed when it is woken. */
struct fuse_pollhandle {
    unsigned *woken; /* counted here */
};
struct fuse_pollhandle *fake_pollhandle(unsigned *woken);

/* How often the kernel was told this since the last fake_notify_clear: of the child with this name
 * of a directory, by its fuse id ... */
unsigned fake_told_name(const struct notify *n, enum fake_told what, uint64_t parent,
                        const char *name);
/* ... or of an inode. */
unsigned fake_told_inode(const struct notify *n, enum fake_told what, uint64_t node);
/* The same of anything. */
unsigned fake_told(const struct notify *n, enum fake_told what);
unsigned fake_told_all(const struct notify *n);
/* The child's fuse id, or the path, of the last TOLD_DELETED or TOLD_REMOVED. */
uint64_t fake_told_child(const struct notify *n);
const char *fake_told_path(const struct notify *n);
void fake_notify_clear(struct notify *n);

/* Whether notify_is_full; or, with so many more, from then on. */
void fake_notify_set_full(struct notify *n, bool full);
void fake_notify_full_after(struct notify *n, unsigned more);

/* Batches of files on their way; of the oldest, how many files it has and the i-th. */
unsigned fake_stores(const struct notify *n);
size_t fake_store_count(const struct notify *n);
const struct notify_file *fake_store_file(const struct notify *n, size_t i);
/* The oldest batch has arrived. */
void fake_store_arrives(struct notify *n);

#endif
