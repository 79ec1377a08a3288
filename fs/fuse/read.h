/*
 * read: attributes, listings, content and poll: from memory, but that the start of a listing of the
 * root or .archived waits for a list that is fresh enough.
 *
 * open and opendir are answered ENOSYS, so that the kernel opens by itself and keeps what it read;
 * nodes.h says why that is exact.
 */
#ifndef BIGDATAFS_FUSE_READ_H
#define BIGDATAFS_FUSE_READ_H

#include <stddef.h>

#include "context.h"

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                struct fuse_file_info *fi);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi);
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
             struct fuse_pollhandle *handle);

#endif
