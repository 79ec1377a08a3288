#include "mountpoint.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FS_TYPE "fuse.bigdatafs"

/* Undoes \ooo of /proc/PID/mountinfo in place. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++, to++) {
        unsigned char c = (unsigned char)*from;
        if (c == '\\' && strspn(from + 1, "01234567") >= 3) {
            c = (unsigned char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 3;
        }
        *to = (char)c;
    }
    *to = '\0';
}

/* Whether a line of mountinfo, which is cut up, is a bigdatafs on this path. */
static bool is_mount_of(char *line, const char *path)
{
    enum { MOUNT_POINT_FIELD = 5 };
    char *type = strstr(line, " - ");
    if (type == NULL || strncmp(type + 3, FS_TYPE " ", strlen(FS_TYPE " ")) != 0)
        return false;
    char *field = NULL;
    for (int i = 0; i < MOUNT_POINT_FIELD && line != NULL; i++)
        field = strsep(&line, " ");
    if (field == NULL)
        return false;
    unescape(field);
    return strcmp(field, path) == 0;
}

static bool is_mounted(const char *path)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (table != NULL && !found && getline(&line, &size, table) > 0)
        found = is_mount_of(line, path);
    free(line);
    if (table != NULL)
        fclose(table);
    return found;
}

static void explain(const char *path, int err, char *error, size_t size)
{
    switch (err) {
    case ENOENT:
        snprintf(error, size, "the mount point %.200s does not exist: make it with mkdir first",
                 path);
        break;
    case ENOTDIR:
        snprintf(error, size, "the mount point %.200s is not a directory", path);
        break;
    case ENOTCONN:
        snprintf(error, size,
                 "%.200s is a mount whose program has ended: take it away with "
                 "fusermount3 -u %.200s, then mount again",
                 path, path);
        break;
    case EBUSY:
        snprintf(error, size,
                 "%.200s is mounted already: to mount anew, fusermount3 -u %.200s first", path,
                 path);
        break;
    default:
        snprintf(error, size, "the mount point %.200s cannot be used: %s", path, strerror(err));
    }
}

/* 0, or a positive errno. */
static int check(const char *path)
{
    struct stat st;
    int err = stat(path, &st) < 0 ? errno : 0;
    /* The mount of somebody else cannot be looked into: the table is asked before EACCES counts. */
    if (err != ENOTCONN && is_mounted(path))
        return EBUSY;
    if (err != 0)
        return err;
    if (!S_ISDIR(st.st_mode))
        return ENOTDIR;
    return access(path, geteuid() == 0 ? X_OK : W_OK | X_OK) < 0 ? errno : 0;
}

int mountpoint_check(const char *given, char **path, char *error, size_t error_size)
{
    *path = realpath(given, NULL);
    int err = *path != NULL ? check(*path) : errno;
    if (err == 0)
        return 0;
    explain(*path != NULL ? *path : given, err, error, error_size);
    free(*path);
    *path = NULL;
    return -EINVAL;
}
