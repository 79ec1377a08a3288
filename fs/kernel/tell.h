/*
 * tell: the calls that tell the kernel something by which no request is answered. Only this file
 * makes them.
 *
 * tell_kernel and tell_content may block in the kernel, until a directory's lock is free or a
 * request of the same file is answered, so they belong to notify's thread. Nothing can fail for the
 * caller: what the kernel does not know, or has forgotten, it need not be told of.
 */
#ifndef BIGDATAFS_KERNEL_TELL_H
#define BIGDATAFS_KERNEL_TELL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TELL_ROOT_ID = 1 }; /* the kernel's number for the root */

struct fuse_pollhandle;
struct fuse_session;

/* Whom to tell. */
struct tell_mount {
    struct fuse_session *session;
    char *mountpoint;
    dev_t device; /* st_dev of what is mounted there */
};

enum notice_kind {
    NOTICE_NAME,    /* the name means another inode now, or none */
    NOTICE_EXPIRE,  /* the name is to be looked up again */
    NOTICE_DELETED, /* the directory of that name, node, is gone */
    NOTICE_REMOVED, /* the same, and it is removed through the mount, at path */
    NOTICE_INODE,   /* the attributes of node are out of date */
    NOTICE_DATA,    /* the same, and its pages, or its listing if it is a directory */
    NOTICE_STORE,   /* the content of files: tell_content */
    NOTICE_FLUSH,   /* nothing: its turn comes when the kernel knows what was posted before it */
    NOTICE_KINDS,
};

/* What to tell. The texts are borrowed. */
struct notice {
    enum notice_kind kind;
    uint64_t parent;  /* of the name */
    uint64_t node;    /* 0: the kernel does not know it */
    const char *name; /* in parent; NULL for the kinds that have none */
    const char *path; /* of NOTICE_REMOVED: below the mount point */
};

void tell_kernel(const struct tell_mount *mount, const struct notice *notice);
/* The whole content of a file, for the kernel to keep. */
void tell_content(const struct tell_mount *mount, uint64_t node, const char *data, size_t size);

/* See notify_poll. */
void tell_poll(struct fuse_pollhandle *handle);

#endif
