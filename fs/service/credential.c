#include "credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_VARIABLE "BIGDATA_API_KEY"

/* Tells one content of a file from another. All members are zero for a file that is not there. */
struct identity {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

struct credential {
    char *given_file;
    char *mountpoint; /* or NULL */
    char *path;       /* of the file that the key is from, or NULL */
    bool managed;     /* by systemd: its file may have a group */
    char *key;
    struct identity read; /* of the file when it was looked at last */
};

/* Where a sentence goes. */
struct sentence {
    char *text;
    size_t size;
};

static int refuse(struct sentence *s, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int refuse(struct sentence *s, int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(s->text, s->size, fmt, args);
    va_end(args);
    return err;
}

static void wipe(char *key)
{
    if (key != NULL)
        explicit_bzero(key, strlen(key));
    free(key);
}

/* Takes the line's end away and says what is wrong with the rest, or NULL. */
static const char *check_key(char *text, size_t len)
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
static int check_file(const struct credential *c, const struct stat *st, struct sentence *s)
{
    /* systemd grants a service's user its credentials by an ACL, whose mask shows as group bits. */
    mode_t others = c->managed ? S_IRWXO : S_IRWXG | S_IRWXO;
    if (!S_ISREG(st->st_mode))
        return refuse(s, -EINVAL, "the API key file %.300s is not a regular file", c->path);
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return refuse(s, -EACCES,
                      "the API key file %.300s belongs to another user (uid %u): use a file of "
                      "your own",
                      c->path, st->st_uid);
    if ((st->st_mode & others) != 0)
        return refuse(
            s, -EACCES,
            "the API key file %.300s is open to other users (mode %03o): chmod 600 %.300s", c->path,
            st->st_mode & 0777, c->path);
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
static int read_key(const struct credential *c, int fd, char **key, struct sentence *s)
{
    char text[HTTP_KEY_MAX + 8]; /* room for line ends, and to see that there is more */
    ssize_t n = read_whole(fd, text, sizeof text - 1);
    if (n < 0)
        return refuse(s, (int)n, "the API key file %.300s cannot be read: %s", c->path,
                      strerror((int)-n));
    text[n] = '\0';
    const char *wrong = check_key(text, (size_t)n);
    int err = 0;
    if (wrong != NULL)
        err = refuse(s, -EINVAL, "the API key file %.300s %s", c->path, wrong);
    else if ((*key = strdup(text)) == NULL)
        err = refuse(s, -ENOMEM, "out of memory");
    explicit_bzero(text, sizeof text);
    return err;
}

static int read_file(struct credential *c, char **key, struct sentence *s)
{
    /* O_NONBLOCK: a FIFO must not hold the program up before it is refused. */
    int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int err = -errno;
        return refuse(s, err, "the API key file %.300s cannot be opened: %s", c->path,
                      strerror(-err));
    }
    struct stat st;
    int err = fstat(fd, &st) < 0 ? -errno : 0;
    if (err < 0) {
        refuse(s, err, "the API key file %.300s: %s", c->path, strerror(-err));
    } else {
        /* Before the bytes are read: what is written meanwhile then counts as a change. */
        c->read = identify(&st);
        err = check_file(c, &st, s);
    }
    if (err == 0)
        err = read_key(c, fd, key, s);
    close(fd);
    return err;
}

/* Makes key the one in use. It belongs to c from here on, after an error too. */
static int use_key(struct credential *c, struct http *http, char *key)
{
    int err = http_set_key(http, key);
    if (err < 0) {
        wipe(key);
        return err;
    }
    wipe(c->key);
    c->key = key;
    return 0;
}

/* Takes the variable away: its bytes too, which /proc/PID/environ shows. *key is NULL when it was
 * not set. */
static int take_variable(char **key, struct sentence *s)
{
    char *value = getenv(KEY_VARIABLE);
    *key = NULL;
    if (value == NULL)
        return 0;
    if (value[0] != '\0' && (*key = strdup(value)) == NULL)
        refuse(s, 0, "out of memory");
    bool lost = value[0] != '\0' && *key == NULL;
    explicit_bzero(value, strlen(value));
    unsetenv(KEY_VARIABLE);
    return lost ? -ENOMEM : 0;
}

static char *join(const char *directory, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* Sets path to systemd's file, else to the user's own: the last one that is looked for. */
static int find_file(struct credential *c)
{
    const char *managed = getenv("CREDENTIALS_DIRECTORY");
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (managed != NULL && managed[0] == '/') {
        c->path = join(managed, "bigdata-api-key");
        if (c->path == NULL)
            return -ENOMEM;
        c->managed = access(c->path, F_OK) == 0;
        if (c->managed)
            return 0;
        free(c->path);
        c->path = NULL;
    }
    if (config != NULL && config[0] == '/')
        c->path = join(config, "bigdatafs/api-key");
    else if (home != NULL && home[0] == '/')
        c->path = join(home, ".config/bigdatafs/api-key");
    else
        return -ENOENT;
    return c->path != NULL ? 0 : -ENOMEM;
}

/* Whether the mount would hide the file: to look at it would be a request to this program. */
static bool is_below_mountpoint(const struct credential *c)
{
    char *real = c->mountpoint != NULL ? realpath(c->path, NULL) : NULL;
    size_t len = real != NULL ? strlen(c->mountpoint) : 0;
    bool below = real != NULL && strncmp(real, c->mountpoint, len) == 0 && real[len] == '/';
    free(real);
    return below;
}

/* The key of the first place that has one. */
static int first_key(struct credential *c, char *variable, char **key, struct sentence *s)
{
    int err = 0;
    if (c->given_file != NULL) {
        c->path = strdup(c->given_file);
        err = c->path == NULL ? -ENOMEM : 0;
    } else if (variable != NULL) {
        const char *wrong = check_key(variable, strlen(variable));
        if (wrong != NULL)
            return refuse(s, -EINVAL, KEY_VARIABLE " %s", wrong);
        *key = strdup(variable);
        return *key != NULL ? 0 : refuse(s, -ENOMEM, "out of memory");
    } else {
        err = find_file(c);
        bool none = err == -ENOENT || (err == 0 && access(c->path, F_OK) < 0 && errno == ENOENT);
        if (none)
            return refuse(s, -ENOENT,
                          "there is no API key: put it into %.300s (chmod 600), name its file with "
                          "-o api_key_file=FILE, or set " KEY_VARIABLE,
                          c->path != NULL ? c->path : "~/.config/bigdatafs/api-key");
    }
    if (err < 0)
        return refuse(s, err, "out of memory");
    if (is_below_mountpoint(c))
        return refuse(s, -EINVAL,
                      "the API key file %.200s is below the mount point %.200s, which would hide "
                      "it: put it elsewhere",
                      c->path, c->mountpoint);
    return read_file(c, key, s);
}

int credential_load(struct credential *c, struct http *http, char *error, size_t error_size)
{
    struct sentence s = {error, error_size};
    char *variable, *key = NULL;
    int err = take_variable(&variable, &s);
    if (err == 0 && c->key != NULL) { /* a fixed one */
        err = http_set_key(http, c->key);
        if (err < 0)
            refuse(&s, err, "out of memory");
    } else if (err == 0) {
        err = first_key(c, variable, &key, &s);
        if (err == 0 && (err = use_key(c, http, key)) < 0)
            refuse(&s, err, "out of memory");
    }
    wipe(variable);
    return err;
}

/* Whether the file is to be read again. One that has gone is, once: reading it then says why it
 * cannot be read. */
static bool is_due(struct credential *c, bool refused)
{
    static const struct identity none;
    struct stat st;
    struct identity now = stat(c->path, &st) == 0 ? identify(&st) : none;
    bool changed = !same_identity(&now, &c->read);
    c->read = now;
    return changed || (refused && !same_identity(&now, &none));
}

enum rekey credential_rekey(void *arg, struct http *http, bool refused, char *why, size_t size)
{
    struct credential *c = arg;
    if (c->path == NULL || !is_due(c, refused))
        return REKEY_SAME;
    char *key = NULL;
    struct sentence s = {why, size};
    if (read_file(c, &key, &s) < 0)
        return REKEY_FAILED;
    if (strcmp(key, c->key) == 0) {
        wipe(key);
        return REKEY_SAME;
    }
    int err = use_key(c, http, key);
    if (err < 0) {
        refuse(&s, err, "out of memory");
        return REKEY_FAILED;
    }
    return REKEY_CHANGED;
}

static int copy_text(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text != NULL && *out == NULL ? -ENOMEM : 0;
}

int credential_new(const char *api_key_file, const char *fixed_key, const char *mountpoint,
                   struct credential **out)
{
    struct credential *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    int err = copy_text(api_key_file, &c->given_file);
    if (err == 0)
        err = copy_text(fixed_key, &c->key);
    if (err == 0)
        err = copy_text(mountpoint, &c->mountpoint);
    if (err < 0) {
        credential_free(c);
        return err;
    }
    *out = c;
    return 0;
}

void credential_free(struct credential *c)
{
    if (c == NULL)
        return;
    wipe(c->key);
    free(c->given_file);
    free(c->mountpoint);
    free(c->path);
    free(c);
}
