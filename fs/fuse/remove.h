/*
 * remove: unlink, rmdir and rename. rmdir of a connector in the root, and rename to .archived,
 * archive it; unlink and rmdir inside a connector hide a name; all else is EPERM.
 */
#ifndef BIGDATAFS_FUSE_REMOVE_H
#define BIGDATAFS_FUSE_REMOVE_H

#include "context.h"

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags);

#endif
