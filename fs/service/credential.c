#include "credential.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bigdatafs/base/sentence.h"
#include "key_file.h"

#define KEY_VARIABLE "BIGDATA_API_KEY"

/* One look at the file, in a thread of its own. The thread and the credential hold it; the one that
 * lets go of it last frees it. */
struct look {
    atomic_uint holders;
    int done_fd;          /* an eventfd: the thread has written all below */
    bool refused;         /* the key in use was */
    struct key_file file; /* a copy, path too */
    enum rekey result;    /* REKEY_CHANGED: the file was read, and key is what it holds */
    char *key;
    char why[SENTENCE_MAX];
};

struct credential {
    struct loop *loop;
    struct client *client; /* is told of the end of a look */
    struct http *http;
    char *given_file;
    char *mountpoint;     /* or NULL */
    struct key_file file; /* that the key is from; path may be NULL */
    char *key;
    struct look *look;       /* under way, or NULL */
    struct loop_watch watch; /* for its end */
};

/* Makes key the one in use. It belongs to c from here on, after an error too. */
static int use_key(struct credential *c, struct http *http, char *key)
{
    int err = http_set_key(http, key);
    if (err < 0) {
        key_wipe(key);
        return err;
    }
    key_wipe(c->key);
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
        key_refuse(s, 0, "out of memory");
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
        c->file.path = join(managed, "bigdata-api-key");
        if (c->file.path == NULL)
            return -ENOMEM;
        c->file.managed = access(c->file.path, F_OK) == 0;
        if (c->file.managed)
            return 0;
        free(c->file.path);
        c->file.path = NULL;
    }
    if (config != NULL && config[0] == '/')
        c->file.path = join(config, "bigdatafs/api-key");
    else if (home != NULL && home[0] == '/')
        c->file.path = join(home, ".config/bigdatafs/api-key");
    else
        return -ENOENT;
    return c->file.path != NULL ? 0 : -ENOMEM;
}

/* Whether the mount would hide the file: to look at it would be a request to this program. */
static bool is_below_mountpoint(const struct credential *c)
{
    char *real = c->mountpoint != NULL ? realpath(c->file.path, NULL) : NULL;
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
        c->file.path = strdup(c->given_file);
        err = c->file.path == NULL ? -ENOMEM : 0;
    } else if (variable != NULL) {
        const char *wrong = key_check(variable, strlen(variable));
        if (wrong != NULL)
            return key_refuse(s, -EINVAL, KEY_VARIABLE " %s", wrong);
        *key = strdup(variable);
        return *key != NULL ? 0 : key_refuse(s, -ENOMEM, "out of memory");
    } else {
        err = find_file(c);
        bool none =
            err == -ENOENT || (err == 0 && access(c->file.path, F_OK) < 0 && errno == ENOENT);
        if (none)
            return key_refuse(
                s, -ENOENT,
                "there is no API key: put it into %.300s (chmod 600), name its file with "
                "-o api_key_file=FILE, or set " KEY_VARIABLE,
                c->file.path != NULL ? c->file.path : "~/.config/bigdatafs/api-key");
    }
    if (err < 0)
        return key_refuse(s, err, "out of memory");
    if (is_below_mountpoint(c))
        return key_refuse(
            s, -EINVAL,
            "the API key file %.200s is below the mount point %.200s, which would hide "
            "it: put it elsewhere",
            c->file.path, c->mountpoint);
    return key_file_read(&c->file, key, s);
}

int credential_load(struct credential *c, struct http *http, char *error, size_t error_size)
{
    struct sentence s = {error, error_size};
    char *variable, *key = NULL;
    int err = take_variable(&variable, &s);
    if (err == 0 && c->key != NULL) { /* a fixed one */
        err = http_set_key(http, c->key);
        if (err < 0)
            key_refuse(&s, err, "out of memory");
    } else if (err == 0) {
        err = first_key(c, variable, &key, &s);
        if (err == 0 && (err = use_key(c, http, key)) < 0)
            key_refuse(&s, err, "out of memory");
    }
    key_wipe(variable);
    return err;
}

/* A look at the file */

static void look_release(struct look *l)
{
    if (atomic_fetch_sub(&l->holders, 1) > 1)
        return;
    if (l->done_fd >= 0)
        close(l->done_fd);
    key_wipe(l->key);
    free(l->file.path);
    free(l);
}

static void *look_at_file(void *arg)
{
    struct look *l = arg;
    struct sentence s = {l->why, sizeof l->why};
    if (key_file_is_due(&l->file, l->refused))
        l->result = key_file_read(&l->file, &l->key, &s) < 0 ? REKEY_FAILED : REKEY_CHANGED;
    eventfd_write(l->done_fd, 1);
    look_release(l);
    return NULL;
}

/* What the client is told of a look that has ended. */
static enum rekey take_result(struct credential *c, struct look *l)
{
    c->file.read = l->file.read;
    if (l->result != REKEY_CHANGED)
        return l->result;
    if (strcmp(l->key, c->key) == 0)
        return REKEY_SAME;
    char *key = l->key;
    l->key = NULL;
    if (use_key(c, c->http, key) == 0)
        return REKEY_CHANGED;
    snprintf(l->why, sizeof l->why, "out of memory");
    return REKEY_FAILED;
}

static void on_look_done(void *arg, uint32_t events)
{
    (void)events;
    struct credential *c = arg;
    struct look *l = c->look;
    eventfd_t count;
    if (eventfd_read(l->done_fd, &count) < 0)
        return;
    loop_remove(c->loop, &c->watch);
    c->look = NULL;
    enum rekey result = take_result(c, l);
    client_rekeyed(c->client, result, l->why);
    look_release(l);
}

/* The look, or NULL for want of memory or descriptors. */
static struct look *look_new(const struct credential *c, bool refused)
{
    struct look *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    *l = (struct look){.holders = 1, .refused = refused, .file = c->file, .result = REKEY_SAME};
    l->file.path = strdup(c->file.path);
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->file.path == NULL || l->done_fd < 0) {
        look_release(l);
        return NULL;
    }
    return l;
}

static int look_start(struct credential *c, struct look *l)
{
    pthread_t thread;
    c->watch = (struct loop_watch){.fd = l->done_fd, .ready = on_look_done, .arg = c};
    int err = loop_add(c->loop, &c->watch, EPOLLIN);
    if (err < 0)
        return err;
    l->holders = 2;
    err = -pthread_create(&thread, NULL, look_at_file, l);
    if (err < 0) {
        l->holders = 1;
        loop_remove(c->loop, &c->watch);
        return err;
    }
    pthread_detach(thread);
    c->look = l;
    return 0;
}

enum rekey credential_rekey(void *arg, struct http *http, bool refused, char *why, size_t size)
{
    struct credential *c = arg;
    if (c->file.path == NULL)
        return REKEY_SAME;
    c->http = http;
    struct look *l = look_new(c, refused);
    int err = l == NULL ? -ENOMEM : look_start(c, l);
    if (err == 0)
        return REKEY_LATER;
    if (l != NULL)
        look_release(l);
    snprintf(why, size, "%s", strerror(-err));
    return REKEY_FAILED;
}

void credential_set_client(struct credential *c, struct client *client)
{
    c->client = client;
}

static int copy_text(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text != NULL && *out == NULL ? -ENOMEM : 0;
}

int credential_new(struct loop *loop, const struct credential_config *config,
                   struct credential **out)
{
    struct credential *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->loop = loop;
    int err = copy_text(config->api_key_file, &c->given_file);
    if (err == 0)
        err = copy_text(config->fixed_key, &c->key);
    if (err == 0)
        err = copy_text(config->mountpoint, &c->mountpoint);
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
    if (c->look != NULL) {
        loop_remove(c->loop, &c->watch);
        look_release(c->look);
    }
    key_wipe(c->key);
    free(c->given_file);
    free(c->mountpoint);
    free(c->file.path);
    free(c);
}
