#include "bigdatafs/deletion/audit.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit_file.h"
#include "bigdatafs/base/worker.h"
#include "bigdatafs/service/failure.h"
#include "draft.h"
#include "opens.h"

/* One line on its way to the file. */
struct line {
    STAILQ_ENTRY(line) link;
    bool intent; /* the deletion of record is open from here on */
    struct audit_record record;
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
    int err;             /* why there is no fd */
    bool torn;           /* the file ended in the middle of a line */
    struct opens *opens; /* what is to be written again when the file is another */
    bool carrying;       /* the batch begins with them */
    bool moved;          /* the worker met another file, and wrote nothing */
    off_t end;           /* the size after the last batch; the worker's, as is met_torn */
    bool met_torn;       /* the same, as the worker found it; its own while it writes */
    uint64_t started;    /* the number of this run, no other's */
    uint64_t keys;       /* how many this run made: with its number they are unique */
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

/* Has the file that the path names now, if another was put there or none is: logrotate renames or
 * removes it. What is open has to be in that file, too, so that the next mount finds it. The same
 * when the file became shorter, by copytruncate: true is told in both cases. */
static int follow_path(struct audit *a, bool *moved)
{
    struct stat held, named;
    if (fstat(a->fd, &held) < 0)
        return -errno;
    bool same =
        stat(a->path, &named) == 0 && named.st_dev == held.st_dev && named.st_ino == held.st_ino;
    *moved = !same || held.st_size < a->end;
    if (same)
        return 0;
    int fd = audit_file_open(a->path);
    if (fd < 0)
        return fd;
    struct flock lock = audit_file_lock_of_run(a->started);
    int err = fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
    int unsynced =
        audit_file_sync_directory(a->path); /* some file systems cannot; at the start, too */
    (void)unsynced;
    if (err == 0 && dup3(fd, a->fd, O_CLOEXEC) < 0)
        err = -errno;
    close(fd);
    return err;
}

static void refuse_batch(struct audit *a, int err)
{
    for (struct line *l = STAILQ_FIRST(&a->batch); l != NULL; l = STAILQ_NEXT(l, link))
        l->err = err;
}

static void run(struct worker_job *job)
{
    struct audit *a = (struct audit *)job;
    bool durable = false;
    struct stat st;
    if (!a->carrying) {
        int err = follow_path(a, &a->moved);
        if (err < 0) {
            refuse_batch(a, err);
            a->moved = false;
            return;
        }
        if (a->moved)
            return; /* done puts what is open before the batch */
    }
    for (struct line *l = STAILQ_FIRST(&a->batch); l != NULL; l = STAILQ_NEXT(l, link)) {
        l->err = audit_file_append(a->fd, l->text, l->len, &a->met_torn);
        durable = durable || (l->durable && l->err == 0);
    }
    if (fstat(a->fd, &st) == 0)
        a->end = st.st_size;
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

static void note_open(struct audit *a, const struct audit_record *record, bool accepted)
{
    if (opens_find(a->opens, record->key) == NULL && opens_add(a->opens, record, accepted) < 0)
        log_warning(a->log, "no memory to keep %s in a log that is rotated", record->id);
}

static void tell(struct audit *a, struct line *l)
{
    if (l->intent && l->err == 0)
        note_open(a, &l->record, false);
    if (l->err < 0)
        log_error(a->log, "the audit log %s cannot be written: %s", a->path, strerror(-l->err));
    if (l->done != NULL)
        l->done(l->arg, l->err);
    free(l->text);
    free(l);
}

static void put_carried(struct audit *a);

static void done(struct worker_job *job)
{
    struct audit *a = (struct audit *)job;
    check_invariants(a);
    if (a->moved) {
        put_carried(a);
        if (!a->closing) {
            worker_submit(a->worker, &a->writing);
            return;
        }
        run(job);
    }
    a->carrying = false;
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

/* The line that the draft is, which is freed; NULL without memory. */
static struct line *line_new(struct draft *d, bool durable)
{
    char *text = draft_finish(d);
    struct line *l = text != NULL ? calloc(1, sizeof *l) : NULL;
    if (l == NULL) {
        free(text);
        return NULL;
    }
    size_t len = strlen(text);
    for (char *at = text; (at = strpbrk(at, "\r\n")) != NULL;)
        *at = ' '; /* between the members of a connector as it was served: a line is one object */
    text[len] = '\n'; /* in the place of the NUL: the length is kept */
    *l = (struct line){.durable = durable, .text = text, .len = len + 1};
    return l;
}

/* Hands a complete line to the writer; frees the draft. -ENOMEM: nothing of it is written. */
static int submit(struct audit *a, struct draft *d, struct line *how)
{
    struct line *l = line_new(d, how->durable);
    if (l == NULL || a->fd < 0) {
        if (l != NULL)
            free(l->text);
        free(l);
        return a->fd < 0 ? a->err : -ENOMEM;
    }
    l->done = how->done;
    l->arg = how->arg;
    l->intent = how->intent;
    l->record = how->record;
    STAILQ_INSERT_TAIL(&a->waiting, l, link);
    start_batch(a);
    return 0;
}

static struct draft draft_outcome(const struct audit_record *r, const struct audit_outcome *o)
{
    struct draft d = draft_new("outcome", r);
    draft_text(&d, "result", audit_result_name(o->result));
    draft_text(&d, "errno", o->err < 0 ? failure_errno_name(o->err) : "");
    draft_number(&d, "status", (double)o->status);
    draft_number(&d, "requests", o->requests);
    draft_text(&d, "reason", o->reason);
    return d;
}

static void carry(struct audit *a, struct lines *to, struct draft *d)
{
    struct line *l = line_new(d, true);
    if (l != NULL)
        STAILQ_INSERT_TAIL(to, l, link);
    else
        log_error(a->log, "no memory to keep an open deletion in the new audit log");
}

/* What is open is written to the new file before the batch that met it. Who asked, and what was
 * deleted, is in the old one. */
static void put_carried(struct audit *a)
{
    static const struct audit_outcome accepted = {.result = AUDIT_DONE, .reason = ""};
    struct lines lines = STAILQ_HEAD_INITIALIZER(lines);
    const struct open_deletion *open = TAILQ_FIRST(&a->opens->list);
    for (; open != NULL; open = TAILQ_NEXT(open, order)) {
        struct draft d = draft_new("intent", &open->record);
        draft_text(&d, "source", a->source);
        draft_json(&d, "carried", "true");
        draft_marks(&d, &open->record);
        carry(a, &lines, &d);
        if (!open->accepted)
            continue;
        d = draft_outcome(&open->record, &accepted);
        carry(a, &lines, &d);
    }
    STAILQ_CONCAT(&lines, &a->batch);
    STAILQ_CONCAT(&a->batch, &lines);
    a->moved = false;
    a->carrying = true;
}

void audit_adopt(struct audit *a, const struct audit_record *record, bool accepted)
{
    note_open(a, record, accepted);
}

static void note_end(struct audit *a, const struct audit_record *r)
{
    struct open_deletion *open = opens_find(a->opens, r->key);
    if (open != NULL)
        opens_remove(a->opens, open);
}

int audit_intent(struct audit *a, struct audit_record *r, const struct snapshot *snapshot,
                 audit_done_fn *on_done, void *arg)
{
    snprintf(r->key, sizeof r->key, "%llx-%llu", (unsigned long long)a->started,
             (unsigned long long)++a->keys);
    struct draft d = draft_new("intent", r);
    draft_text(&d, "source", a->source);
    draft_number(&d, "uid", r->who.uid);
    draft_number(&d, "gid", r->who.gid);
    draft_number(&d, "pid", r->who.pid);
    draft_text(&d, "command", r->who.command);
    draft_marks(&d, r);
    if (snapshot != NULL) {
        draft_json(&d, "connector", snapshot->text);
        draft_number(&d, "connector_age_s", (double)r->age_s);
    }
    struct line how = {.durable = true, .intent = true, .record = *r, .done = on_done, .arg = arg};
    return submit(a, &d, &how);
}

static void report_lost_line(struct audit *a, const struct audit_record *r, int err)
{
    log_error(a->log, "no audit line for the end of %s of %s: %s", request_op_name(r->op), r->id,
              strerror(-err));
}

void audit_outcome(struct audit *a, const struct audit_record *r, const struct audit_outcome *o,
                   audit_done_fn *on_done, void *arg)
{
    struct draft d = draft_outcome(r, o);
    struct open_deletion *open = opens_find(a->opens, r->key);
    if (open != NULL && o->result == AUDIT_DONE && r->op == REQUEST_FORCE_DELETE)
        open->accepted = true;
    else if (o->result != AUDIT_UNKNOWN)
        note_end(a, r);
    struct line how = {.done = on_done, .arg = arg};
    int err = submit(a, &d, &how);
    if (err == 0)
        return;
    report_lost_line(a, r, err);
    if (on_done != NULL)
        on_done(arg, err);
}

void audit_resolved(struct audit *a, const struct audit_record *r, enum audit_fate fate)
{
    struct draft d = draft_new("resolved", r);
    draft_text(&d, "result", audit_fate_name(fate));
    note_end(a, r);
    struct line how = {0};
    int err = submit(a, &d, &how);
    if (err < 0)
        report_lost_line(a, r, err);
}

/* While a run lives it holds a lock on the byte of the file that its number names (far beyond the
 * end), so that others which share the file leave its deletions alone, and keys are unique. */
static void lock_run(struct audit *a)
{
    struct flock lock = audit_file_lock_of_run(a->started);
    while (a->fd >= 0 && fcntl(a->fd, F_OFD_SETLK, &lock) < 0 && errno == EAGAIN)
        lock = audit_file_lock_of_run(++a->started);
}

bool audit_run_lives(const struct audit *a, const char *key)
{
    struct flock lock = audit_file_lock_of_run(strtoull(key, NULL, 16) & INT64_MAX);
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
    int err = a->path == NULL || a->source == NULL ? -ENOMEM : opens_new(&a->opens);
    if (err == 0)
        err = worker_start(loop, &a->worker);
    if (err < 0) {
        opens_free(a->opens);
        free(a->source);
        free(a->path);
        free(a);
        return err;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    a->started = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    audit_file_make_parents(path);
    a->fd = audit_file_open(path);
    a->err = a->fd < 0 ? a->fd : 0;
    err = audit_file_sync_directory(path);
    if (a->err == 0 && err < 0)
        log_warning(log, "the directory of the audit log %s cannot be made durable: %s", path,
                    strerror(-err));
    struct stat st;
    if (a->fd >= 0 && fstat(a->fd, &st) == 0)
        a->torn = audit_file_ends_torn(a->fd, a->end = st.st_size);
    lock_run(a);
    *out = a;
    return 0;
}

void audit_free(struct audit *a)
{
    if (a == NULL)
        return;
    a->closing = true;
    if (!worker_drain(a->worker, AUDIT_DRAIN_MS)) {
        log_error(a->log,
                  "the disk of the audit log %s does not answer: its last lines are not there",
                  a->path);
        return; /* its thread still uses all of this */
    }
    worker_stop(a->worker);
    while (!STAILQ_EMPTY(&a->waiting)) {
        take_batch(a);
        run(&a->writing);
        done(&a->writing);
    }
    if (a->fd >= 0)
        close(a->fd);
    opens_free(a->opens);
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
