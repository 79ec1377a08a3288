#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Counts the threads that are there: it outlives words, for those that are left to themselves. */
struct crew {
    atomic_uint threads;
    atomic_uint owners;
};

/* What a thread and the loop share; the last of the two frees it. */
struct job {
    struct crew *crew;
    atomic_uint owners;
    pid_t pid;
    int event; /* an eventfd that the thread writes when text and len are there */
    size_t len;
    char *text; /* owned; NULL when there are no words */
};

struct words {
    struct loop *loop;
    struct crew *crew;
};

struct words_read {
    struct words *words;
    struct job *job;
    struct loop_watch watch;
    struct loop_timer deadline;
    words_done_fn *done;
    void *arg;
};

static void crew_leave(struct crew *crew)
{
    if (atomic_fetch_sub(&crew->owners, 1) == 1)
        free(crew);
}

static void job_leave(struct job *job)
{
    if (atomic_fetch_sub(&job->owners, 1) > 1)
        return;
    close(job->event);
    free(job->text);
    free(job);
}

/* Reads all that there is, or nothing: half a command line could hide an option. */
static void read_words(struct job *job, int fd)
{
    enum { CHUNK = 4096 };
    size_t size = 0;
    while (job->len < WORDS_MAX_BYTES) {
        if (job->len == size) {
            size = size == 0 ? CHUNK : size * 2;
            char *text = realloc(job->text, size);
            if (text == NULL)
                break;
            job->text = text;
        }
        ssize_t n = read(fd, job->text + job->len, size - job->len);
        if (n == 0)
            return;
        if (n < 0 && errno != EINTR)
            break;
        job->len += n > 0 ? (size_t)n : 0;
    }
    job->len = 0;
}

static void *thread_main(void *arg)
{
    struct job *job = arg;
    struct crew *crew = job->crew;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)job->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        read_words(job, fd);
        close(fd);
    }
    eventfd_write(job->event, 1);
    job_leave(job);
    atomic_fetch_sub(&crew->threads, 1);
    crew_leave(crew);
    return NULL;
}

static void read_free(struct words_read *r)
{
    loop_remove(r->words->loop, &r->watch);
    loop_timer_clear(&r->deadline);
    job_leave(r->job);
    free(r);
}

static void on_read(void *arg, uint32_t events)
{
    (void)events;
    struct words_read *r = arg;
    const struct words_read ended = *r;
    loop_remove(r->words->loop, &r->watch);
    loop_timer_clear(&r->deadline);
    free(r);
    ended.done(ended.arg, ended.job->len > 0 ? ended.job->text : "", ended.job->len);
    job_leave(ended.job);
}

static void on_deadline(void *arg)
{
    struct words_read *r = arg;
    const struct words_read ended = *r;
    read_free(r);
    ended.done(ended.arg, "", 0);
}

static int start_thread(struct job *job)
{
    struct crew *crew = job->crew;
    pthread_attr_t attr;
    pthread_t thread;
    atomic_fetch_add(&crew->threads, 1);
    atomic_fetch_add(&crew->owners, 1);
    atomic_fetch_add(&job->owners, 1);
    int err = -pthread_attr_init(&attr);
    if (err == 0) {
        err = -pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        if (err == 0)
            err = -pthread_create(&thread, &attr, thread_main, job);
        pthread_attr_destroy(&attr);
    }
    if (err < 0) {
        atomic_fetch_sub(&job->owners, 1);
        atomic_fetch_sub(&crew->threads, 1);
        crew_leave(crew);
    }
    return err;
}

static int job_new(struct crew *crew, pid_t pid, struct job **out)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    job->crew = crew;
    job->pid = pid;
    atomic_init(&job->owners, 1);
    job->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (job->event < 0) {
        int err = -errno;
        free(job);
        return err;
    }
    *out = job;
    return 0;
}

int words_start(struct words *w, pid_t pid, words_done_fn *done, void *arg, struct words_read **out)
{
    if (atomic_load(&w->crew->threads) >= WORDS_THREADS_MAX)
        return -EAGAIN;
    struct words_read *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    *r = (struct words_read){.words = w, .done = done, .arg = arg};
    int err = job_new(w->crew, pid, &r->job);
    if (err < 0) {
        free(r);
        return err;
    }
    r->watch = (struct loop_watch){.fd = r->job->event, .ready = on_read, .arg = r};
    loop_timer_init(&r->deadline, on_deadline, r);
    err = loop_add(w->loop, &r->watch, EPOLLIN);
    if (err == 0) {
        err = start_thread(r->job);
        if (err < 0)
            loop_remove(w->loop, &r->watch);
    }
    if (err < 0) {
        job_leave(r->job);
        free(r);
        return err;
    }
    loop_timer_set(w->loop, &r->deadline, WORDS_DEADLINE_MS);
    *out = r;
    return 0;
}

void words_cancel(struct words_read *r)
{
    read_free(r);
}

int words_new(struct loop *loop, struct words **out)
{
    struct words *w = calloc(1, sizeof *w);
    struct crew *crew = w != NULL ? calloc(1, sizeof *crew) : NULL;
    if (crew == NULL) {
        free(w);
        return -ENOMEM;
    }
    atomic_init(&crew->owners, 1);
    w->loop = loop;
    w->crew = crew;
    *out = w;
    return 0;
}

void words_free(struct words *w)
{
    if (w == NULL)
        return;
    crew_leave(w->crew);
    free(w);
}
