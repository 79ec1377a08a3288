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

enum {
    ENVIRONMENT_MAX = 65536,
    LIFELINE_FD = 3, /* in the child */
};

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

/* The three ways between this process and the child, each a pipe: [0] to read, [1] to write. */
struct pipes {
    int lifeline[2]; /* ends when this process ends */
    int says[2];     /* its stdout: that it listens */
    int messages[2]; /* its stderr */
};

/* In a group of its own, since Ctrl-C at the terminal is this process's to handle, and with no
 * signal blocked. */
static int spawn_with(pid_t *pid, char **argv, char **environment, const struct pipes *p)
{
    char program[PATH_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    find_program(program, sizeof program);
    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_init(&actions);
    int err = -posix_spawn_file_actions_adddup2(&actions, p->says[1], STDOUT_FILENO);
    if (err == 0)
        err = -posix_spawn_file_actions_adddup2(&actions, p->messages[1], STDERR_FILENO);
    if (err == 0)
        err = -posix_spawn_file_actions_adddup2(&actions, p->lifeline[0], LIFELINE_FD);
    if (err == 0)
        err = -posix_spawnattr_setsigmask(&attr, &none);
    if (err == 0)
        err = -posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    if (err == 0)
        err = -posix_spawnp(pid, program, &actions, &attr, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return err;
}

static int spawn(struct sandbox_child *s, const char *file, const struct pipes *p)
{
    char listen[sizeof s->socket + 8], seed[16], lifeline[16];
    snprintf(listen, sizeof listen, "unix:%s", s->socket);
    snprintf(seed, sizeof seed, "%d", SANDBOX_SEED);
    snprintf(lifeline, sizeof lifeline, "%d", LIFELINE_FD);
    char name[] = PROGRAM, o_listen[] = "--listen", o_seed[] = "--seed", o_life[] = "--lifeline",
         o_db[] = "--db";
    char *db = file != NULL ? strdup(file) : NULL;
    char **environment = make_environment();
    char *argv[] = {
        name, o_listen, listen, o_seed, seed, o_life, lifeline, db != NULL ? o_db : NULL, db, NULL};
    int err = environment == NULL || (file != NULL && db == NULL)
                  ? -ENOMEM
                  : spawn_with(&s->pid, argv, environment, p);
    free(environment);
    free(db);
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

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* What is left open is the child's: s keeps its ends of lifeline and messages. */
static int launch(struct sandbox_child *s, const char *file)
{
    struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}};
    int err = make_directory(s);
    if (err == 0)
        err = make_pipe(p.lifeline);
    if (err == 0)
        err = make_pipe(p.says);
    if (err == 0)
        err = make_pipe(p.messages);
    if (err == 0)
        err = spawn(s, file, &p);
    s->lifeline = p.lifeline[1];
    s->messages = p.messages[0];
    close_if_open(p.lifeline[0]);
    close_if_open(p.says[1]);
    close_if_open(p.messages[1]);
    if (err == 0)
        err = await_ready(p.says[0]);
    close_if_open(p.says[0]);
    return err;
}

int sandbox_child_start(const char *file, struct sandbox_child **out, char *error,
                        size_t error_size)
{
    struct sandbox_child *s = calloc(1, sizeof *s);
    if (s == NULL) {
        snprintf(error, error_size, "%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    s->lifeline = s->messages = -1;
    int err = launch(s, file);
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
    close_if_open(fd);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void sandbox_child_stop(struct sandbox_child *s)
{
    if (s == NULL)
        return;
    close_if_open(s->lifeline);
    if (s->pid > 0)
        await_end(s->pid);
    close_if_open(s->messages);
    if (s->socket[0] != '\0') {
        unlink(s->socket);
        rmdir(s->directory);
    }
    free(s);
}
