#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int parse_port(const char *text, in_port_t *port)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -EINVAL;
    unsigned long n = strtoul(text, &end, 10);
    if (*end != '\0' || n > UINT16_MAX)
        return -EINVAL;
    *port = htons((uint16_t)n);
    return 0;
}

static int parse_unix(const char *path, struct endpoint *out)
{
    size_t len = strlen(path);
    struct sockaddr_un *local = &out->address.local;
    if (len == 0 || len >= sizeof local->sun_path)
        return -EINVAL;
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, len + 1);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

static bool skip_prefix(const char **text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (strncmp(*text, prefix, len) != 0)
        return false;
    *text += len;
    return true;
}

int listen_parse(const char *text, struct endpoint *out)
{
    memset(out, 0, sizeof *out);
    if (skip_prefix(&text, "unix:"))
        return parse_unix(text, out);
    in_port_t port;
    if (skip_prefix(&text, "[::1]:")) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        int err = parse_port(text, &port);
        v6.sin6_port = err < 0 ? 0 : port;
        memcpy(&out->address, &v6, sizeof v6);
        out->len = sizeof v6;
        return err;
    }
    if (!skip_prefix(&text, "127.0.0.1:") && !skip_prefix(&text, "localhost:"))
        return -EINVAL;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int err = parse_port(text, &port);
    v4.sin_port = err < 0 ? 0 : port;
    memcpy(&out->address, &v4, sizeof v4);
    out->len = sizeof v4;
    return err;
}

static int open_socket(const struct endpoint *e, int *fd)
{
    *fd = socket(e->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *fd < 0 ? -errno : 0;
}

/* Returns 0 when the path is a socket at which nobody answers. */
static int check_stale(const struct endpoint *e)
{
    struct stat st;
    if (lstat(e->address.local.sun_path, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    int fd;
    int err = open_socket(e, &fd);
    if (err < 0)
        return err;
    bool refused = connect(fd, &e->address.any, e->len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused ? 0 : -EADDRINUSE;
}

static int bind_socket(const struct endpoint *e, int fd)
{
    if (bind(fd, &e->address.any, e->len) == 0)
        return 0;
    int err = -errno;
    if (err != -EADDRINUSE || e->address.any.sa_family != AF_UNIX)
        return err;
    err = check_stale(e);
    if (err < 0)
        return err;
    (void)unlink(e->address.local.sun_path);
    return bind(fd, &e->address.any, e->len) < 0 ? -errno : 0;
}

static int prepare_socket(struct endpoint *e, int fd)
{
    int on = 1;
    bool local = e->address.any.sa_family == AF_UNIX;
    /* The socket's file gets the mode that the descriptor has at the bind. */
    if (local && fchmod(fd, S_IRUSR | S_IWUSR) < 0)
        return -errno;
    if (!local && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    int err = bind_socket(e, fd);
    if (err < 0)
        return err;
    struct stat st;
    if (local && lstat(e->address.local.sun_path, &st) == 0) {
        e->dev = st.st_dev;
        e->ino = st.st_ino;
    }
    return listen(fd, LISTEN_BACKLOG) < 0 ? -errno : 0;
}

int listen_open(struct endpoint *e, int *fd)
{
    *fd = -1;
    int err = open_socket(e, fd);
    if (err == 0)
        err = prepare_socket(e, *fd);
    if (err == 0)
        return 0;
    const char *why = strerror(-err);
    if (err == -EADDRINUSE)
        why = "somebody answers there already";
    else if (err == -EEXIST)
        why = "the path exists and is no socket";
    fprintf(stderr, "bigdatafs-sandbox: cannot listen: %s.\n", why);
    if (*fd >= 0)
        close(*fd);
    return err;
}

int listen_name(const struct endpoint *e, int fd, char out[static LISTEN_NAME_SIZE])
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } bound;
    socklen_t len = sizeof bound;
    if (e->address.any.sa_family == AF_UNIX) {
        (void)snprintf(out, LISTEN_NAME_SIZE, "unix:%s", e->address.local.sun_path);
        return 0;
    }
    if (getsockname(fd, &bound.any, &len) < 0)
        return -errno;
    bool v6 = bound.any.sa_family == AF_INET6;
    (void)snprintf(out, LISTEN_NAME_SIZE, "http://%s:%u", v6 ? "[::1]" : "127.0.0.1",
                   (unsigned)ntohs(v6 ? bound.v6.sin6_port : bound.v4.sin_port));
    return 0;
}

void listen_remove(const struct endpoint *e, bool with_directory)
{
    struct stat st;
    if (e->address.any.sa_family != AF_UNIX || e->ino == 0)
        return;
    char directory[sizeof e->address.local.sun_path];
    memcpy(directory, e->address.local.sun_path, sizeof directory);
    if (lstat(directory, &st) == 0 && st.st_dev == e->dev && st.st_ino == e->ino)
        (void)unlink(directory);
    char *slash = strrchr(directory, '/');
    if (!with_directory || slash == NULL || slash == directory)
        return;
    *slash = '\0';
    (void)rmdir(directory);
}
