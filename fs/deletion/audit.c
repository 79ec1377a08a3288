#include "bigdatafs/deletion/audit.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bigdatafs/base/clock.h"
#include "bigdatafs/base/worker.h"
#include "bigdatafs/service/failure.h"

/* One line on its way to the file. */
struct line {
    STAILQ_ENTRY(line) link;
    bool durable; /* it counts as written only when it is on the disk */
    int err;      /* set by the worker */
    char *text;
    size_t len;
    audit_done_fn *done;
    void *arg;
};

STAILQ_HEAD(lines, line);

/*
 *   state    batch                     waiting                  what ends it          next
 *   IDLE     empty                     empty, until audit_free  a line comes          WRITING
 *   WRITING  the worker's, not empty   what came meanwhile      the worker is done    TELLING
 *   TELLING  those not told yet        what came meanwhile      all are told          WRITING; IDLE
 *                                                                                     if none waits
 *
 * So many lines that come at once share one write and its fdatasync.
 */
enum state { IDLE, WRITING, TELLING };

struct audit {
    struct worker_job writing; /* the first member: the worker hands it back, as the audit */
    enum state state;
    struct lines batch, waiting;
    bool closing; /* audit_free writes what waits */
    struct worker *worker;
    struct log *log;
    char *path, *source;
    int fd;
    int err;          /* why there is no fd */
    bool torn;        /* the file ended in the middle of a line */
    bool met_torn;    /* the same, as the worker found it; its own while it writes */
    uint64_t started; /* the number of this run, no other's */
    uint64_t keys;    /* how many this run made: with its number they are unique */
};

static void check_invariants(const struct audit *a)
{
    assert(a->state != IDLE || STAILQ_EMPTY(&a->batch));
    assert(a->state != IDLE || a->closing || STAILQ_EMPTY(&a->waiting));
    assert(a->state != WRITING || !STAILQ_EMPTY(&a->batch));
    assert(a->fd >= 0 || (a->err < 0 && a->state == IDLE));
    (void)a;
}

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
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (err == 0)
        return fd;
    close(fd);
    return err;
}

/* Whether the file ends in the middle of a line: a run was killed, or the machine went down. */
static bool ends_torn(int fd, off_t size)
{
    char last;
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* Writes the line in one call, so that the lines of other processes come before or after it, and
 * begins a new line where the file does not end in one. Where only a part of it fitted, that part
 * is taken back, so that the next line does not continue it; but not if another process has written
 * after it. */
static int append(int fd, char *text, size_t len, bool *torn)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -ENOENT; /* nobody would ever read the line */
    bool begin = ends_torn(fd, st.st_size);
    struct iovec parts[] = {{.iov_base = (char[]){'\n'}, .iov_len = begin}, {text, len}};
    *torn = *torn || begin;
    ssize_t n = writev(fd, parts, 2);
    if (n < 0)
        return -errno;
    if ((size_t)n == len + begin)
        return 0;
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &st) == 0 && st.st_size == end && ftruncate(fd, end - n) < 0)
        return -errno;
    return -ENOSPC;
}

static void run(struct worker_job *job)
{
    struct audit *a = (struct audit *)job;
    bool durable = false;
    for (struct line *l = STAILQ_FIRST(&a->batch); l != NULL; l = STAILQ_NEXT(l, link)) {
        l->err = append(a->fd, l->text, l->len, &a->met_torn);
        durable = durable || (l->durable && l->err == 0);
    }
    if (!durable || fdatasync(a->fd) == 0)
        return;
    int err = -errno;
    for (struct line *l = STAILQ_FIRST(&a->batch); l != NULL; l = STAILQ_NEXT(l, link))
        if (l->durable && l->err == 0)
            l->err = err;
}

static void take_batch(struct audit *a)
{
    a->state = WRITING;
    STAILQ_CONCAT(&a->batch, &a->waiting);
}

static void start_batch(struct audit *a)
{
    if (a->state == IDLE && !a->closing && !STAILQ_EMPTY(&a->waiting)) {
        take_batch(a);
        worker_submit(a->worker, &a->writing);
    }
    check_invariants(a);
}

static void tell(struct audit *a, struct line *l)
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
    check_invariants(a);
    a->state = TELLING;
    a->torn = a->torn || a->met_torn;
    while (!STAILQ_EMPTY(&a->batch)) {
        struct line *l = STAILQ_FIRST(&a->batch);
        STAILQ_REMOVE_HEAD(&a->batch, link);
        tell(a, l);
    }
    a->state = IDLE;
    start_batch(a);
}

/* A line under construction. What cannot be added makes it incomplete for good. */
struct draft {
    cJSON *object;
    bool complete;
};

static void add_text(struct draft *d, const char *name, const char *text)
{
    if (cJSON_AddStringToObject(d->object, name, text) == NULL)
        d->complete = false;
}

static void add_number(struct draft *d, const char *name, double number)
{
    if (cJSON_AddNumberToObject(d->object, name, number) == NULL)
        d->complete = false;
}

static void add_json(struct draft *d, const char *name, const char *json)
{
    if (cJSON_AddRawToObject(d->object, name, json) == NULL)
        d->complete = false;
}

/* What all lines begin with. */
static struct draft draft_new(const char *event, const struct audit_record *r)
{
    struct draft d = {.object = cJSON_CreateObject(), .complete = true};
    char now[CLOCK_TEXT_SIZE];
    clock_text_now(now);
    add_text(&d, "time", now);
    add_text(&d, "event", event);
    add_text(&d, "key", r->key);
    add_text(&d, "op", request_op_token(r->op));
    add_text(&d, "id", r->id);
    add_text(&d, "label", r->label);
    return d;
}

/* The text of the line, to be freed, or NULL without memory. Frees the draft. */
static char *draft_finish(struct draft *d)
{
    char *text = d->complete ? cJSON_PrintUnformatted(d->object) : NULL;
    cJSON_Delete(d->object);
    return text;
}

/* Hands a complete line to the writer; frees the draft. -ENOMEM: nothing of it is written. */
static int submit(struct audit *a, struct draft *d, bool durable, audit_done_fn *on_done, void *arg)
{
    char *text = draft_finish(d);
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
    STAILQ_INSERT_TAIL(&a->waiting, l, link);
    start_batch(a);
    return 0;
}

int audit_intent(struct audit *a, struct audit_record *r, const struct snapshot *snapshot,
                 audit_done_fn *on_done, void *arg)
{
    snprintf(r->key, sizeof r->key, "%llx-%llu", (unsigned long long)a->started,
             (unsigned long long)++a->keys);
    struct draft d = draft_new("intent", r);
    add_text(&d, "source", a->source);
    add_number(&d, "uid", r->who.uid);
    add_number(&d, "gid", r->who.gid);
    add_number(&d, "pid", r->who.pid);
    add_text(&d, "command", r->who.command);
    if (r->bulk)
        add_json(&d, "bulk", "true");
    if (r->dry_run)
        add_json(&d, "dry_run", "true");
    if (snapshot != NULL) {
        add_json(&d, "connector", snapshot->text);
        add_number(&d, "connector_age_s", (double)r->age_s);
    }
    return submit(a, &d, true, on_done, arg);
}

static void report_lost_line(struct audit *a, const struct audit_record *r, int err)
{
    log_error(a->log, "no audit line for the end of %s of %s: %s", request_op_name(r->op), r->id,
              strerror(-err));
}

void audit_outcome(struct audit *a, const struct audit_record *r, const struct audit_outcome *o,
                   audit_done_fn *on_done, void *arg)
{
    struct draft d = draft_new("outcome", r);
    add_text(&d, "result", audit_result_name(o->result));
    add_text(&d, "errno", o->err < 0 ? failure_errno_name(o->err) : "");
    add_number(&d, "status", (double)o->status);
    add_number(&d, "requests", o->requests);
    add_text(&d, "reason", o->reason);
    int err = submit(a, &d, false, on_done, arg);
    if (err == 0)
        return;
    report_lost_line(a, r, err);
    if (on_done != NULL)
        on_done(arg, err);
}

void audit_resolved(struct audit *a, const struct audit_record *r, enum audit_fate fate)
{
    struct draft d = draft_new("resolved", r);
    add_text(&d, "result", audit_fate_name(fate));
    int err = submit(a, &d, false, NULL, NULL);
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
    STAILQ_INIT(&a->batch);
    STAILQ_INIT(&a->waiting);
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
    struct stat st;
    if (a->fd >= 0 && fstat(a->fd, &st) == 0)
        a->torn = ends_torn(a->fd, st.st_size);
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
    while (!STAILQ_EMPTY(&a->waiting)) {
        take_batch(a);
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

bool audit_is_torn(const struct audit *a)
{
    return a->torn;
}

const char *audit_path(const struct audit *a)
{
    return a->path;
}

const char *audit_source(const struct audit *a)
{
    return a->source;
}
