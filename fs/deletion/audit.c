#include "bigdatafs/deletion/audit.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bigdatafs/base/clock.h"
#include "bigdatafs/base/worker.h"
#include "bigdatafs/service/failure.h"

/* One line on its way to the file. */
struct line {
    struct line *next;
    bool durable;
    int err;
    char *text;
    size_t len;
    audit_done_fn *done;
    void *arg;
};

/* Lines in order. */
struct lines {
    struct line *first, **last;
};

/* While a batch is written the lines that come are collected; then they are the next batch: many
 * that wait share one fdatasync. */
struct audit {
    struct worker_job writing; /* first: a job is cast back */
    struct lines batch;        /* the worker's until its done */
    struct lines waiting;
    bool is_writing, closing;
    struct worker *worker;
    struct log *log;
    char *path, *source;
    int fd;
    int err;          /* why there is no fd */
    uint64_t started; /* keys are unique over restarts by it ... */
    uint64_t keys;    /* ... and by this count */
};

const char *audit_result_name(enum audit_result result)
{
    static const char *const names[] = {
        [AUDIT_DONE] = "done", [AUDIT_FAILED] = "failed", [AUDIT_UNKNOWN] = "unknown"};
    return names[result];
}

const char *audit_fate_name(enum audit_fate fate)
{
    static const char *const names[] = {
        [AUDIT_ARCHIVED] = "archived", [AUDIT_STILL_THERE] = "still there", [AUDIT_GONE] = "gone"};
    return names[fate];
}

/* Opens the file for appending; nothing but a regular file can be made durable and read again. */
static int open_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (err == 0)
        return fd;
    close(fd);
    return err;
}

/* In one write, so that the lines of other processes come before or after it. What did not fit is
 * taken back, so that the next line does not continue it; not if another process has written after
 * it. */
static int append(int fd, const char *text, size_t len)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -ENOENT; /* nobody would ever read the line */
    ssize_t n = write(fd, text, len);
    if (n < 0)
        return -errno;
    if ((size_t)n == len)
        return 0;
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &st) == 0 && st.st_size == end && ftruncate(fd, end - n) < 0)
        return -errno;
    return -ENOSPC;
}

static void run(struct worker_job *job)
{
    const struct audit *a = (const struct audit *)job;
    bool durable = false;
    for (struct line *l = a->batch.first; l != NULL; l = l->next) {
        l->err = append(a->fd, l->text, l->len);
        durable = durable || (l->durable && l->err == 0);
    }
    if (!durable || fdatasync(a->fd) == 0)
        return;
    int err = -errno;
    for (struct line *l = a->batch.first; l != NULL; l = l->next)
        if (l->durable && l->err == 0)
            l->err = err;
}

static void lines_init(struct lines *lines)
{
    lines->first = NULL;
    lines->last = &lines->first;
}

static void start_batch(struct audit *a)
{
    if (a->is_writing || a->closing || a->waiting.first == NULL)
        return;
    a->is_writing = true;
    a->batch.first = a->waiting.first;
    lines_init(&a->waiting);
    worker_submit(a->worker, &a->writing);
}

static void line_end(struct audit *a, struct line *l)
{
    if (l->err < 0)
        log_error(a->log, "the audit log %s cannot be written: %s", a->path, strerror(-l->err));
    if (l->done != NULL)
        l->done(l->arg, l->err);
    free(l->text);
    free(l);
}

static void done(struct worker_job *job)
{
    struct audit *a = (struct audit *)job;
    while (a->batch.first != NULL) {
        struct line *l = a->batch.first;
        a->batch.first = l->next;
        line_end(a, l);
    }
    a->is_writing = false;
    start_batch(a);
}

static cJSON *line_new(const char *event, const struct audit_record *r)
{
    cJSON *object = cJSON_CreateObject();
    char now[CLOCK_TEXT_SIZE];
    clock_text_now(now);
    cJSON_AddStringToObject(object, "time", now);
    cJSON_AddStringToObject(object, "event", event);
    cJSON_AddStringToObject(object, "key", r->key);
    cJSON_AddStringToObject(object, "op", request_op_token(r->op));
    cJSON_AddStringToObject(object, "id", r->id);
    return object;
}

/* Hands the line to the writer and frees the object. */
static int submit(struct audit *a, cJSON *object, bool durable, audit_done_fn *on_done, void *arg)
{
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    struct line *l = text != NULL ? calloc(1, sizeof *l) : NULL;
    if (l == NULL || a->fd < 0) {
        free(text);
        free(l);
        return a->fd < 0 ? a->err : -ENOMEM;
    }
    size_t len = strlen(text);
    for (char *at = text; (at = strpbrk(at, "\r\n")) != NULL;)
        *at = ' '; /* between the members of a connector as it was served: a line is one object */
    text[len] = '\n'; /* in the place of the NUL: the length is kept */
    *l = (struct line){
        .durable = durable, .text = text, .len = len + 1, .done = on_done, .arg = arg};
    *a->waiting.last = l;
    a->waiting.last = &l->next;
    start_batch(a);
    return 0;
}

int audit_intent(struct audit *a, struct audit_record *r, const struct snapshot *snapshot,
                 audit_done_fn *on_done, void *arg)
{
    snprintf(r->key, sizeof r->key, "%llx-%llu", (unsigned long long)a->started,
             (unsigned long long)++a->keys);
    cJSON *object = line_new("intent", r);
    cJSON_AddStringToObject(object, "source", a->source);
    cJSON_AddNumberToObject(object, "uid", r->who.uid);
    cJSON_AddNumberToObject(object, "gid", r->who.gid);
    cJSON_AddNumberToObject(object, "pid", r->who.pid);
    cJSON_AddStringToObject(object, "command", r->who.command);
    if (snapshot != NULL)
        cJSON_AddRawToObject(object, "connector", snapshot->text);
    return submit(a, object, true, on_done, arg);
}

static void report_lost_line(struct audit *a, const struct audit_record *r, int err)
{
    log_error(a->log, "no audit line for the end of %s of %s: %s", request_op_name(r->op), r->id,
              strerror(-err));
}

void audit_outcome(struct audit *a, const struct audit_record *r, const struct audit_outcome *o,
                   audit_done_fn *on_done, void *arg)
{
    cJSON *object = line_new("outcome", r);
    cJSON_AddStringToObject(object, "result", audit_result_name(o->result));
    cJSON_AddStringToObject(object, "errno", o->err < 0 ? failure_errno_name(o->err) : "");
    cJSON_AddNumberToObject(object, "status", (double)o->status);
    cJSON_AddNumberToObject(object, "requests", o->requests);
    cJSON_AddStringToObject(object, "reason", o->reason);
    int err = submit(a, object, false, on_done, arg);
    if (err == 0)
        return;
    report_lost_line(a, r, err);
    if (on_done != NULL)
        on_done(arg, err);
}

void audit_resolved(struct audit *a, const struct audit_record *r, enum audit_fate fate)
{
    cJSON *object = line_new("resolved", r);
    cJSON_AddStringToObject(object, "result", audit_fate_name(fate));
    int err = submit(a, object, false, NULL, NULL);
    if (err < 0)
        report_lost_line(a, r, err);
}

/* Makes the directories above the file, as private as the file. */
static void make_parents(const char *path)
{
    char *copy = strdup(path);
    for (char *p = copy; p != NULL && (p = strchr(p + 1, '/')) != NULL; *p = '/') {
        *p = '\0';
        mkdir(copy, 0700);
    }
    free(copy);
}

/* A new file's name is made durable with the file's directory. */
static int sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int err = copy == NULL ? -ENOMEM : fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return err;
}

static struct flock lock_of_run(uint64_t started)
{
    return (struct flock){.l_type = F_WRLCK, .l_start = (off_t)started, .l_len = 1};
}

/* While a run lives it holds a lock on the byte of the file that its number names (far beyond the
 * end), so that others which share the file leave its deletions alone, and keys are unique. */
static void lock_run(struct audit *a)
{
    struct flock lock = lock_of_run(a->started);
    while (a->fd >= 0 && fcntl(a->fd, F_OFD_SETLK, &lock) < 0 && errno == EAGAIN)
        lock = lock_of_run(++a->started);
}

bool audit_run_lives(const struct audit *a, const char *key)
{
    struct flock lock = lock_of_run(strtoull(key, NULL, 16) & INT64_MAX);
    return a->fd >= 0 && fcntl(a->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int audit_new(struct loop *loop, struct log *log, const char *path, const char *source,
              struct audit **out)
{
    struct audit *a = calloc(1, sizeof *a);
    if (a == NULL)
        return -ENOMEM;
    a->writing = (struct worker_job){.run = run, .done = done};
    lines_init(&a->batch);
    lines_init(&a->waiting);
    a->log = log;
    a->path = strdup(path);
    a->source = strdup(source);
    int err = a->path == NULL || a->source == NULL ? -ENOMEM : worker_start(loop, &a->worker);
    if (err < 0) {
        free(a->source);
        free(a->path);
        free(a);
        return err;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    a->started = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    make_parents(path);
    a->fd = open_file(path);
    a->err = a->fd < 0 ? a->fd : 0;
    err = sync_directory(path);
    if (a->err == 0 && err < 0)
        log_warning(log, "the directory of the audit log %s cannot be made durable: %s", path,
                    strerror(-err));
    lock_run(a);
    *out = a;
    return 0;
}

void audit_free(struct audit *a)
{
    if (a == NULL)
        return;
    a->closing = true;
    worker_drain(a->worker);
    worker_stop(a->worker);
    while (a->waiting.first != NULL) {
        a->batch.first = a->waiting.first;
        lines_init(&a->waiting);
        run(&a->writing);
        done(&a->writing);
    }
    if (a->fd >= 0)
        close(a->fd);
    free(a->source);
    free(a->path);
    free(a);
}

int audit_state(const struct audit *a)
{
    return a->err;
}

const char *audit_path(const struct audit *a)
{
    return a->path;
}

const char *audit_source(const struct audit *a)
{
    return a->source;
}
