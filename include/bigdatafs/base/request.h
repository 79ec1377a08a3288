/*
 * request: what a user can ask the service to do to a connector, and which process asked. These are
 * plain values; only requester_of reads something, namely /proc.
 */
#ifndef BIGDATAFS_BASE_REQUEST_H
#define BIGDATAFS_BASE_REQUEST_H

#include <sys/types.h>

enum { REQUESTER_COMMAND_SIZE = 64 };

enum request_op { REQUEST_ARCHIVE, REQUEST_FORCE_DELETE };

/* What people call the operation: "archive", "hard delete". */
const char *request_op_name(enum request_op op);
/* What the audit log calls it, for programs to read: "archive", "force_delete". */
const char *request_op_token(enum request_op op);

/* The process that made the system call, as the kernel names it. command is the name of its program
 * in /proc, or "" when this program cannot see it. */
struct requester {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    char command[REQUESTER_COMMAND_SIZE];
};

/* Completes the three with the command, which is read from /proc: that never blocks. */
struct requester requester_of(uid_t uid, gid_t gid, pid_t pid);

#endif
