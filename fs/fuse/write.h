/*
 * write: what a write to a control file asks for: .force_delete of a connector; refresh, archive
 * and force_delete of .bigdatafs. Each write(2) is answered by itself, when what it asked for has
 * ended.
 */
#ifndef BIGDATAFS_FUSE_WRITE_H
#define BIGDATAFS_FUSE_WRITE_H

#include <stddef.h>

#include "context.h"

/* Once, when the session is made. */
void write_init(struct context *c);

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi);

#endif
