/*
 * stall_sync: preloaded into a program under test, has fdatasync wait as long as somebody else
 * holds a lock (flock) on the file $STALL_FILE: a disk that does not answer.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int fd)
{
    const char *path = getenv("STALL_FILE");
    int gate = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (gate >= 0) {
        flock(gate, LOCK_SH);
        close(gate);
    }
    return (int)syscall(SYS_fdatasync, fd);
}
