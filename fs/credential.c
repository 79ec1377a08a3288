#include "bigdatafs/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENVIRONMENT "BIGDATA_API_KEY"

struct credential {
    char *file;       /* NULL: the key does not come from one */
    struct stat read; /* the file when it was read */
    char key[HTTP_KEY_MAX + 1];
};

static void copy_key(char *to, const char *from, size_t len)
{
    memcpy(to, from, len);
    to[len] = '\0';
}

/* The one line of a text, if it can be a header's value. */
static int take_key(const char *text, size_t len, char *key)
{
    size_t line = 0;
    while (line < len && text[line] != '\n' && text[line] != '\r')
        line++;
    if (line == 0 || line > HTTP_KEY_MAX)
        return line == 0 ? -ENODATA : -EFBIG;
    for (size_t i = 0; i < len; i++)
        if (i < line ? text[i] <= ' ' || text[i] > '~' : text[i] != '\n' && text[i] != '\r')
            return -EINVAL;
    copy_key(key, text, line);
    return 0;
}

static int check_file(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return -EINVAL;
    if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return -EPERM;
    return st->st_uid == geteuid() || st->st_uid == 0 ? 0 : -EACCES;
}

static int read_file(const char *file, char *key, struct stat *st)
{
    char text[HTTP_KEY_MAX + 2];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, st) < 0 ? -errno : check_file(st);
    if (err == 0) {
        ssize_t n = read(fd, text, sizeof text);
        err = n < 0 ? -errno : take_key(text, (size_t)n, key);
    }
    close(fd);
    explicit_bzero(text, sizeof text);
    return err;
}

static void describe(const char *file, int err, char *error, size_t size)
{
    const char *why = strerror(-err);
    if (err == -EPERM) {
        snprintf(error, size, "the key file %s can be read by others: chmod 600 %s", file, file);
        return;
    }
    if (err == -EACCES && access(file, R_OK) == 0)
        why = "it belongs to another user";
    else if (err == -ENODATA)
        why = "it is empty";
    else if (err == -EINVAL)
        why = "it holds something other than one API key";
    else if (err == -EFBIG)
        why = "it is too long for an API key";
    snprintf(error, size, "the key file %s cannot be used: %s", file, why);
}

/* The key of the environment, which does not keep it: /proc/PID/environ shows what was there. */
static int take_from_environment(struct credential *c, char *error, size_t size)
{
    char *value = getenv(ENVIRONMENT);
    size_t len = strlen(value);
    int err = take_key(value, len, c->key);
    explicit_bzero(value, len);
    unsetenv(ENVIRONMENT);
    if (err < 0)
        snprintf(error, size, ENVIRONMENT " does not hold an API key");
    return err;
}

static char *default_file(void)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY"), *config = getenv("XDG_CONFIG_HOME"),
               *home = getenv("HOME");
    char *file = NULL;
    int n = -1;
    if (directory != NULL) {
        n = asprintf(&file, "%s/bigdata-api-key", directory);
        if (n >= 0 && access(file, F_OK) == 0)
            return file;
        free(n >= 0 ? file : NULL);
    }
    if (config != NULL && config[0] == '/')
        n = asprintf(&file, "%s/bigdatafs/api-key", config);
    else
        n = asprintf(&file, "%s/.config/bigdatafs/api-key", home != NULL ? home : "");
    return n >= 0 ? file : NULL;
}

int credential_load(struct credential *c, struct http *http, char *error, size_t error_size)
{
    int err = 0;
    if (c->key[0] == '\0' && c->file == NULL && getenv(ENVIRONMENT) != NULL) {
        err = take_from_environment(c, error, error_size);
    } else if (c->key[0] == '\0') {
        bool named = c->file != NULL;
        if (!named && (c->file = default_file()) == NULL)
            return -ENOMEM;
        err = read_file(c->file, c->key, &c->read);
        if (err == -ENOENT && !named)
            snprintf(error, error_size,
                     "there is no API key: put it into %s (mode 600), or name its file with -o "
                     "api_key_file=, or set " ENVIRONMENT,
                     c->file);
        else if (err < 0)
            describe(c->file, err, error, error_size);
    }
    /* A key of the environment is not to stay there when the file is used either. */
    if (err == 0 && getenv(ENVIRONMENT) != NULL) {
        explicit_bzero(getenv(ENVIRONMENT), strlen(getenv(ENVIRONMENT)));
        unsetenv(ENVIRONMENT);
    }
    return err < 0 ? err : http_set_key(http, c->key);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int credential_rekey(void *arg, struct http *http, bool refused)
{
    struct credential *c = arg;
    struct stat st;
    if (c->file == NULL)
        return 0;
    if (stat(c->file, &st) < 0)
        return -errno;
    if (!refused && same_file(&st, &c->read))
        return 0;
    char key[HTTP_KEY_MAX + 1];
    int err = read_file(c->file, key, &st);
    c->read = st; /* a file that cannot be used is not read again before it changes */
    bool changed = err == 0 && strcmp(key, c->key) != 0;
    if (changed)
        err = http_set_key(http, key);
    if (changed && err == 0)
        memcpy(c->key, key, sizeof key);
    explicit_bzero(key, sizeof key);
    return err < 0 ? err : changed;
}

int credential_new(const char *file, const char *fixed, struct credential **out)
{
    struct credential *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    if (fixed != NULL)
        copy_key(c->key, fixed, strlen(fixed));
    if (file != NULL && (c->file = strdup(file)) == NULL) {
        free(c);
        return -ENOMEM;
    }
    *out = c;
    return 0;
}

void credential_free(struct credential *c)
{
    if (c == NULL)
        return;
    explicit_bzero(c->key, sizeof c->key);
    free(c->file);
    free(c);
}
