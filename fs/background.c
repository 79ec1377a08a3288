#include "bigdatafs/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

int background_start(int *ready_fd, int *status)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    pid_t child = fork();
    if (child < 0) {
        int err = -errno;
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        return err;
    }
    if (child == 0) {
        close(pipe_fds[0]);
        setsid();
        *ready_fd = pipe_fds[1];
        return 0;
    }
    close(pipe_fds[1]);
    char word;
    ssize_t n;
    do
        n = read(pipe_fds[0], &word, 1);
    while (n < 0 && errno == EINTR);
    close(pipe_fds[0]);
    /* A child that ends without the word has said why on the stderr that both share. */
    *status = n == 1 ? 0 : 1;
    return 1;
}

int background_ready(int ready_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || chdir("/") < 0)
        return -errno;
    bool ok = dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
              dup2(null, STDERR_FILENO) >= 0 && write(ready_fd, "", 1) == 1;
    int err = ok ? 0 : -errno;
    close(null);
    close(ready_fd);
    return err;
}
