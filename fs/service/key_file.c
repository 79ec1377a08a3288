#include "key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"

int key_refuse(struct sentence *s, int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(s->text, s->size, fmt, args);
    va_end(args);
    return err;
}

void key_wipe(char *key)
{
    if (key != NULL)
        explicit_bzero(key, strlen(key));
    free(key);
}

const char *key_check(char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        text[--len] = '\0';
    if (len == 0)
        return "is empty: put the API key into it";
    if (len > HTTP_KEY_MAX)
        return "is too long to be an API key";
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || text[i] == '\r')
            return "has more than one line: leave only the API key in it";
        if (text[i] <= ' ' || text[i] > '~')
            return "holds spaces or other characters that no API key has";
    }
    return NULL;
}

static struct identity identify(const struct stat *st)
{
    return (struct identity){.dev = st->st_dev,
                             .ino = st->st_ino,
                             .size = st->st_size,
                             .mtime = st->st_mtim,
                             .ctime = st->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

/* Whether nobody but the user and root could read or replace the key. */
static int check_file(const struct key_file *f, const struct stat *st, struct sentence *s)
{
    /* systemd grants a service's user its credentials by an ACL, whose mask shows as group bits. */
    mode_t others = f->managed ? S_IRWXO : S_IRWXG | S_IRWXO;
    if (!S_ISREG(st->st_mode))
        return key_refuse(s, -EINVAL, "the API key file %.300s is not a regular file", f->path);
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return key_refuse(s, -EACCES,
                          "the API key file %.300s belongs to another user (uid %u): use a file of "
                          "your own",
                          f->path, st->st_uid);
    if ((st->st_mode & others) != 0)
        return key_refuse(
            s, -EACCES,
            "the API key file %.300s is open to other users (mode %03o): chmod 600 %.300s", f->path,
            st->st_mode & 0777, f->path);
    return 0;
}

/* Reads up to size bytes. */
static ssize_t read_whole(int fd, char *to, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, to + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

/* The key of an open file that was checked; *key is the caller's, to be wiped. */
static int read_key(const struct key_file *f, int fd, char **key, struct sentence *s)
{
    char text[HTTP_KEY_MAX + 8]; /* room for line ends, and to see that there is more */
    ssize_t n = read_whole(fd, text, sizeof text - 1);
    if (n < 0)
        return key_refuse(s, (int)n, "the API key file %.300s cannot be read: %s", f->path,
                          strerror((int)-n));
    text[n] = '\0';
    const char *wrong = key_check(text, (size_t)n);
    int err = 0;
    if (wrong != NULL)
        err = key_refuse(s, -EINVAL, "the API key file %.300s %s", f->path, wrong);
    else if ((*key = strdup(text)) == NULL)
        err = key_refuse(s, -ENOMEM, "out of memory");
    explicit_bzero(text, sizeof text);
    return err;
}

int key_file_read(struct key_file *f, char **key, struct sentence *s)
{
    /* O_NONBLOCK: a FIFO must not hold the program up before it is refused. */
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int err = -errno;
        return key_refuse(s, err, "the API key file %.300s cannot be opened: %s", f->path,
                          strerror(-err));
    }
    struct stat st;
    int err = fstat(fd, &st) < 0 ? -errno : 0;
    if (err < 0) {
        key_refuse(s, err, "the API key file %.300s: %s", f->path, strerror(-err));
    } else {
        /* Before the bytes are read: what is written meanwhile then counts as a change. */
        f->read = identify(&st);
        err = check_file(f, &st, s);
    }
    if (err == 0)
        err = read_key(f, fd, key, s);
    close(fd);
    return err;
}

bool key_file_is_due(struct key_file *f, bool refused)
{
    static const struct identity none;
    struct stat st;
    struct identity now = stat(f->path, &st) == 0 ? identify(&st) : none;
    bool changed = !same_identity(&now, &f->read);
    f->read = now;
    return changed || (refused && !same_identity(&now, &none));
}
