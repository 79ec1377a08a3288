#include "bigdatafs/base/request.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

const char *request_op_name(enum request_op op)
{
    return op == REQUEST_ARCHIVE ? "archive" : "hard delete";
}

const char *request_op_token(enum request_op op)
{
    return op == REQUEST_ARCHIVE ? "archive" : "force_delete";
}

struct requester requester_of(uid_t uid, gid_t gid, pid_t pid)
{
    struct requester who = {.uid = uid, .gid = gid, .pid = pid};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return who;
    ssize_t n = read(fd, who.command, sizeof who.command - 1);
    close(fd);
    while (n > 0 && who.command[n - 1] == '\n')
        n--;
    who.command[n > 0 ? n : 0] = '\0';
    return who;
}
