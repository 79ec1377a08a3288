/*
 * bigdatafs-sandbox: the connectors part of the Content API, from a database of one's own.
 *
 * Threads: this one waits for a signal or the end of the lifeline. The server's carries out
 * requests, the reaper's carries out hard deletes, the delay's wakes delayed answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "arguments.h"
#include "handler.h"
#include "listen.h"
#include "reaper.h"
#include "seed.h"
#include "server.h"
#include "store.h"

enum { EXIT_USAGE = 2, KEY_SIZE = 4096 };

struct sandbox {
    struct options options;
    struct store *store;
    struct reaper *reaper;
    struct api *api;
    struct server *server;
    int signal_fd;
    int access_fd;
    bool has_key;
    char key[KEY_SIZE];
};

/* Signals are blocked before any thread starts, so that they come to this one alone. */
static int take_signals(int *fd)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    *fd = signalfd(-1, &set, SFD_CLOEXEC);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (*fd < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0)
        return -errno;
    return 0;
}

/* A full set of connections needs more descriptors than the usual soft limit. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int read_key(struct sandbox *b)
{
    const char *path = b->options.api_key_file;
    if (path == NULL)
        return 0;
    const char *why = "its first line is empty or too long";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        why = strerror(errno);
    bool ok = file != NULL && fgets(b->key, sizeof b->key, file) != NULL;
    size_t len = ok ? strcspn(b->key, "\r\n") : 0;
    ok = len > 0 && (b->key[len] != '\0' || len + 1 < sizeof b->key);
    b->key[len] = '\0';
    b->has_key = ok;
    if (file != NULL)
        (void)fclose(file);
    if (!ok)
        fprintf(stderr, "bigdatafs-sandbox: cannot use the key file %s: %s.\n", path, why);
    return ok ? 0 : -EINVAL;
}

/* Says on stderr what cannot be done, if err is one. */
static int report(int err, const char *what)
{
    if (err < 0)
        fprintf(stderr, "bigdatafs-sandbox: cannot %s: %s.\n", what, strerror(-err));
    return err;
}

static int open_access_log(struct sandbox *b)
{
    const char *path = b->options.access_log;
    int err = path != NULL ? access_open(path, &b->access_fd) : 0;
    if (err < 0)
        fprintf(stderr, "bigdatafs-sandbox: cannot open %s: %s.\n", path, strerror(-err));
    return err;
}

static int serve(struct sandbox *b)
{
    struct endpoint *e = &b->options.endpoint;
    char name[LISTEN_NAME_SIZE];
    int fd;
    int err = listen_open(e, &fd);
    if (err < 0)
        return err;
    err = report(listen_name(e, fd, name), "name the socket");
    if (err < 0) {
        close(fd);
        return err;
    }
    err = server_start(b->api, fd, b->access_fd, b->options.latency, &b->server);
    if (report(err, "start the HTTP server") < 0)
        return err;
    printf("listening on %s\n", name);
    return report(fflush(stdout) == 0 ? 0 : -errno, "write to the standard output");
}

static int start_sandbox(struct sandbox *b)
{
    int err = report(take_signals(&b->signal_fd), "take signals");
    if (err == 0)
        err = read_key(b);
    if (err == 0)
        err = open_access_log(b);
    if (err == 0)
        err = store_open(b->options.db, &b->store);
    if (err == 0)
        err = seed_fill(b->store, (uint64_t)b->options.seed);
    if (err == 0)
        err = report(reaper_start(b->store, b->options.delete_rate, &b->reaper), "delete");
    if (err == 0)
        err = report(api_new(b->store, b->reaper, b->has_key ? b->key : NULL, &b->api), "serve");
    return err < 0 ? err : serve(b);
}

/* Returns at a signal, or when the lifeline reaches its end or fails. */
static void wait_for_end(const struct sandbox *b)
{
    struct pollfd fds[] = {{.fd = b->signal_fd, .events = POLLIN},
                           {.fd = b->options.lifeline, .events = POLLIN}};
    for (;;) {
        int n = poll(fds, 2, -1);
        if (n < 0 && errno != EINTR)
            return;
        if (n <= 0)
            continue;
        if (fds[0].revents != 0)
            return;
        char ignored[256];
        ssize_t got = fds[1].revents != 0 ? read(fds[1].fd, ignored, sizeof ignored) : 1;
        if (got == 0 || (got < 0 && errno != EINTR))
            return;
    }
}

static void stop_sandbox(struct sandbox *b)
{
    listen_remove(&b->options.endpoint, b->options.lifeline >= 0);
    server_stop(b->server);
    api_free(b->api);
    reaper_stop(b->reaper);
    store_close(b->store);
    if (b->access_fd >= 0)
        close(b->access_fd);
    if (b->signal_fd >= 0)
        close(b->signal_fd);
    explicit_bzero(b->key, sizeof b->key);
}

int main(int argc, char **argv)
{
    struct sandbox b = {.signal_fd = -1, .access_fd = -1};
    if (options_parse(argc, argv, &b.options) < 0)
        return EXIT_USAGE;
    if (b.options.action == OPTIONS_HELP) {
        options_help();
        return EXIT_SUCCESS;
    }
    if (b.options.action == OPTIONS_VERSION) {
        printf("bigdatafs-sandbox %s\n", BIGDATAFS_VERSION);
        return EXIT_SUCCESS;
    }
    umask(077); /* what the database holds is its owner's */
    raise_limit();
    int err = start_sandbox(&b);
    if (err == 0)
        wait_for_end(&b);
    stop_sandbox(&b);
    return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
