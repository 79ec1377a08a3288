/*
 * audit_file: what the audit log asks of its file. Errors are negative errnos. All of them may
 * block, and any thread may call them.
 */
#ifndef BIGDATAFS_DELETION_AUDIT_FILE_H
#define BIGDATAFS_DELETION_AUDIT_FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"

/* A descriptor, for the caller to close. -EINVAL: it is no regular file. */
int audit_file_open(const char *path) MUST_CHECK;
bool audit_file_ends_torn(int fd, off_t size);
/* The line is written whole or not at all; *torn becomes true where the file ended torn. */
int audit_file_append(int fd, char *text, size_t len, bool *torn) MUST_CHECK;
int audit_file_sync_directory(const char *path) MUST_CHECK;
void audit_file_make_parents(const char *path);
/* The byte that the run of this number holds locked. */
struct flock audit_file_lock_of_run(uint64_t started);

#endif
