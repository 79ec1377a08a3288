#include "audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Opens the file for appending; nothing but a regular file can be made durable and read again. */
int audit_file_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (err == 0)
        return fd;
    close(fd);
    return err;
}

/* Whether the file ends in the middle of a line: a run was killed, or the machine went down. */
bool audit_file_ends_torn(int fd, off_t size)
{
    char last;
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* Writes the line in one call, so that the lines of other processes come before or after it, and
 * begins a new line where the file does not end in one. Where only a part of it fitted, that part
 * is taken back, so that the next line does not continue it; but not if another process has written
 * after it. */
int audit_file_append(int fd, char *text, size_t len, bool *torn)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -ENOENT; /* nobody would ever read the line */
    bool begin = audit_file_ends_torn(fd, st.st_size);
    struct iovec parts[] = {{.iov_base = (char[]){'\n'}, .iov_len = begin}, {text, len}};
    *torn = *torn || begin;
    ssize_t n = begin ? writev(fd, parts, 2) : write(fd, text, len);
    if (n < 0)
        return -errno;
    if ((size_t)n == len + begin)
        return 0;
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &st) == 0 && st.st_size == end && ftruncate(fd, end - n) < 0)
        return -errno;
    return -ENOSPC;
}

/* A new file's name is made durable with the file's directory. */
int audit_file_sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int err = copy == NULL ? -ENOMEM : fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return err;
}

struct flock audit_file_lock_of_run(uint64_t started)
{
    return (struct flock){.l_type = F_WRLCK, .l_start = (off_t)started, .l_len = 1};
}

/* Makes the directories above the file, as private as the file. */
void audit_file_make_parents(const char *path)
{
    char *copy = strdup(path);
    for (char *p = copy; p != NULL && (p = strchr(p + 1, '/')) != NULL; *p = '/') {
        *p = '\0';
        mkdir(copy, 0700);
    }
    free(copy);
}
