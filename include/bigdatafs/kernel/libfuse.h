/*
 * libfuse: the library's own header, and all that differs between its releases from 3.14 on. Nobody
 * else includes the library's headers or asks for its version.
 */
#ifndef BIGDATAFS_KERNEL_LIBFUSE_H
#define BIGDATAFS_KERNEL_LIBFUSE_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <stdint.h>
#include <string.h>

/* 3.18: requests over io-uring, which threads of the library's own would answer. An option of the
 * mount or a variable of the environment switches that on, unless the program does not want it. */
#ifdef FUSE_CAP_OVER_IO_URING
#define LIBFUSE_CAP_OVER_IO_URING FUSE_CAP_OVER_IO_URING
#else
#define LIBFUSE_CAP_OVER_IO_URING 0
#endif

/* To be called from init: takes back what the library wants by itself. 3.17 widened the field, and
 * leaves the old one for compatibility alone. */
static inline void libfuse_do_not_want(struct fuse_conn_info *conn, uint64_t capabilities)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
    fuse_unset_feature_flag(conn, capabilities);
#else
    conn->want &= ~(unsigned)capabilities;
#endif
}

/* A name is to be looked up again. 3.16 dropped the flag that said so. */
static inline int libfuse_notify_expire_entry(struct fuse_session *session, fuse_ino_t parent,
                                              const char *name)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 16)
    return fuse_lowlevel_notify_expire_entry(session, parent, name, strlen(name));
#else
    return fuse_lowlevel_notify_expire_entry(session, parent, name, strlen(name),
                                             FUSE_LL_EXPIRE_ONLY);
#endif
}

#endif
