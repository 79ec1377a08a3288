#include "sandbox_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "bigdatafs-sandbox"

extern char **environ;

enum { ENVIRONMENT_MAX = 65536 };

struct sandbox_child {
    pid_t pid;
    int lifeline;
    int messages;
    char directory[PATH_MAX];
    char socket[PATH_MAX + 16];
};

/* Beside this program when installed, below it in a build tree, else where PATH finds it. */
static void find_program(char *path, size_t size)
{
    static const char *const places[] = {PROGRAM, "sandbox/" PROGRAM};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *name = strrchr(self, '/');
    for (size_t i = 0; name != NULL && i < sizeof places / sizeof places[0]; i++) {
        int len = snprintf(path, size, "%.*s/%s", (int)(name - self), self, places[i]);
        if (len > 0 && (size_t)len < size && access(path, X_OK) == 0)
            return;
    }
    snprintf(path, size, "%s", PROGRAM);
}

static int make_directory(struct sandbox_child *s)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMPDIR");
    const char *base = "/tmp";
    struct stat st;
    if (runtime != NULL && runtime[0] == '/' && stat(runtime, &st) == 0 && S_ISDIR(st.st_mode))
        base = runtime;
    else if (temporary != NULL && temporary[0] == '/')
        base = temporary;
    int n = snprintf(s->directory, sizeof s->directory, "%s/bigdatafs-XXXXXX", base);
    if (n < 0 || (size_t)n >= sizeof s->directory)
        return -ENAMETOOLONG;
    if (mkdtemp(s->directory) == NULL)
        return -errno;
    snprintf(s->socket, sizeof s->socket, "%s/api.sock", s->directory);
    return 0;
}

/* Ours without the API key, which the sandbox has no use for. */
static char **make_environment(void)
{
    static const char key[] = "BIGDATA_API_KEY=";
    size_t count = 0, kept = 0;
    while (environ[count] != NULL && count < ENVIRONMENT_MAX)
        count++;
    char **e = calloc(count + 1, sizeof *e);
    for (size_t i = 0; e != NULL && i < count; i++)
        if (strncmp(environ[i], key, sizeof key - 1) != 0)
            e[kept++] = environ[i];
    return e;
}

static int spawn(struct sandbox_child *s, const char *file, int lifeline, int out, int err_fd)
{
    char program[PATH_MAX], listen[sizeof s->socket + 8], seed[16];
    find_program(program, sizeof program);
    snprintf(listen, sizeof listen, "unix:%s", s->socket);
    snprintf(seed, sizeof seed, "%d", SANDBOX_SEED);
    char name[] = PROGRAM, o_listen[] = "--listen", o_seed[] = "--seed", o_life[] = "--lifeline",
         fd3[] = "3", o_db[] = "--db";
    char *db = file != NULL ? strdup(file) : NULL;
    char *argv[] = {name, o_listen, listen, o_seed, seed, o_life, fd3, db != NULL ? o_db : NULL,
                    db,   NULL};
    char **environment = make_environment();
    if (environment == NULL || (file != NULL && db == NULL)) {
        free(environment);
        free(db);
        return -ENOMEM;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, lifeline, 3);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    /* A group of its own: Ctrl-C at the terminal is this process's to handle. */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    int err = -posix_spawnp(&s->pid, program, &actions, &attr, argv, environment);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    free(db);
    free(environment);
    return err;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until it says that it listens. */
static int await_ready(int out)
{
    int64_t until = now_ms() + SANDBOX_START_MS, left;
    char c = '\0';
    while ((left = until - now_ms()) > 0) {
        struct pollfd p = {.fd = out, .events = POLLIN};
        int n = poll(&p, 1, (int)left);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n <= 0)
            continue;
        ssize_t got = read(out, &c, 1);
        if (got < 0)
            return -errno;
        if (got == 0)
            return -ECHILD; /* it ended, and said why in its messages */
        if (c == '\n')
            return 0;
    }
    return -ETIMEDOUT;
}

/* Descriptors above the three that the child is given by number, so that none is overwritten. */
static int make_pipe(int fds[2])
{
    int low[2], err = 0;
    if (pipe2(low, O_CLOEXEC) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
        if (fds[i] < 0)
            err = -errno;
        close(low[i]);
    }
    return err;
}

/* Why it did not start: in its own words if it has any. */
static void describe(const struct sandbox_child *s, int err, char *error, size_t size)
{
    ssize_t n = err == -ECHILD ? read(s->messages, error, size - 1) : 0;
    if (n <= 0) {
        snprintf(error, size, "%s",
                 err == -ECHILD   ? PROGRAM " ended at once"
                 : err == -ENOENT ? PROGRAM " was not found beside bigdatafs or in PATH: install it"
                                  : strerror(-err));
        return;
    }
    error[n] = '\0';
    error[strcspn(error, "\n")] = '\0';
}

int sandbox_child_start(const char *file, struct sandbox_child **out, char *error,
                        size_t error_size)
{
    struct sandbox_child *s = calloc(1, sizeof *s);
    int life[2] = {-1, -1}, says[2] = {-1, -1}, messages[2] = {-1, -1};
    if (s == NULL)
        return -ENOMEM;
    s->lifeline = s->messages = -1;
    int err = make_directory(s);
    if (err == 0)
        err = make_pipe(life);
    if (err == 0)
        err = make_pipe(says);
    if (err == 0)
        err = make_pipe(messages);
    if (err == 0)
        err = spawn(s, file, life[0], says[1], messages[1]);
    s->lifeline = life[1];
    s->messages = messages[0];
    if (messages[1] >= 0)
        close(messages[1]);
    if (says[1] >= 0)
        close(says[1]);
    if (err == 0)
        err = await_ready(says[0]);
    if (says[0] >= 0)
        close(says[0]);
    if (life[0] >= 0)
        close(life[0]);
    if (err < 0) {
        describe(s, err, error, error_size);
        sandbox_child_stop(s);
        return err;
    }
    *out = s;
    return 0;
}

int sandbox_child_messages(const struct sandbox_child *s)
{
    return s->messages;
}

const char *sandbox_child_socket(const struct sandbox_child *s)
{
    return s->socket;
}

static void await_end(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (fd < 0 || poll(&p, 1, SANDBOX_END_MS) <= 0)
        kill(pid, SIGKILL);
    if (fd >= 0)
        close(fd);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void sandbox_child_stop(struct sandbox_child *s)
{
    if (s == NULL)
        return;
    if (s->lifeline >= 0)
        close(s->lifeline);
    if (s->pid > 0)
        await_end(s->pid);
    if (s->messages >= 0)
        close(s->messages);
    if (s->socket[0] != '\0') {
        unlink(s->socket);
        rmdir(s->directory);
    }
    free(s);
}
