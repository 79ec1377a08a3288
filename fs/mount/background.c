#include "bigdatafs/mount/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_told(int fd)
{
    char byte;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

/* What the new process ended with before it was ready. It said why, unless it was killed. */
static int status_of(pid_t child)
{
    int wait_status;
    pid_t pid;
    do
        pid = waitpid(child, &wait_status, 0);
    while (pid < 0 && errno == EINTR);
    if (pid == child && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0)
        return WEXITSTATUS(wait_status);
    if (pid == child && WIFSIGNALED(wait_status))
        fprintf(stderr, "bigdatafs: killed by signal %d (%s) before the mount was ready\n",
                WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
    return EXIT_FAILURE;
}

int background_start(int *ready_fd, int *status)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid_t child = fork();
    if (child < 0) {
        int err = -errno;
        close(fds[0]);
        close(fds[1]);
        return err;
    }
    if (child == 0) {
        close(fds[0]);
        *ready_fd = fds[1];
        setsid(); /* cannot fail: a new process leads no group */
        return 0;
    }
    close(fds[1]);
    *status = is_told(fds[0]) ? EXIT_SUCCESS : status_of(child);
    close(fds[0]);
    return 1;
}

static int leave_terminal(void)
{
    if (chdir("/") < 0)
        return -errno;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    int err = 0;
    for (int fd = STDIN_FILENO; err == 0 && fd <= STDERR_FILENO; fd++)
        err = dup2(null, fd) < 0 ? -errno : 0;
    if (null > STDERR_FILENO)
        close(null);
    return err;
}

int background_ready(int ready_fd)
{
    /* Out of the way of the standard descriptors, which a caller may have left closed. */
    int fd = fcntl(ready_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int err = fd < 0 ? -errno : 0;
    close(ready_fd);
    if (err == 0)
        err = leave_terminal();
    if (err == 0 && write(fd, "", 1) != 1)
        err = -errno;
    if (fd >= 0)
        close(fd);
    return err;
}
