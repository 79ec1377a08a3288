#include "bigdatafs/kernel/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bigdatafs/base/worker.h"
#include "bigdatafs/kernel/libfuse.h"

_Static_assert(NOTIFY_ROOT_ID == FUSE_ROOT_ID, "the root has the number that libfuse gives it");

struct notify {
    struct loop *loop;
    struct worker *worker;
    struct log *log;
    struct fuse_session *session; /* NULL: drop */
    char *mountpoint;
    dev_t device;
    atomic_uint holds[NOTIFY_REMOVAL + 1]; /* read by the worker's thread as well */
    atomic_uint_fast64_t victim;           /* of the one removal; 0: any */
    atomic_bool pausing;                   /* the same: after a removal from the root ... */
    struct loop_timer pause;               /* ... until this is due */
    struct worker_job *held, **held_last;  /* notifications about names, in order */
    unsigned queued, queued_lists; /* the worker's: all, and those of the root and .archived */
    unsigned waiting;              /* those that are held back too */
};

enum kind { NAME, EXPIRE, INODE, INODE_DATA, DELETED, REMOVED, FLUSH };

/* Files on their way to the kernel. */
struct store {
    struct worker_job job; /* first: a job is cast back */
    struct notify *notify;
    struct fuse_session *session;
    const struct notify_file *files;
    size_t count;
    void (*done)(void *arg);
    void *arg;
};

struct notification {
    struct worker_job job; /* first: a job is cast back */
    struct notify *notify;
    struct fuse_session *session;
    const char *mountpoint; /* outlives the queue */
    enum kind kind;
    bool put_off; /* its turn came while names were held back */
    uint64_t parent, node;
    dev_t device;
    const char *path; /* REMOVED: behind the name */
    struct notify_flush {
        void (*done)(void *arg); /* NULL: cancelled */
        void *arg;
    } flush; /* FLUSH */
    char name[];
};

/* Removes the name through the mount, if the path still leads to it: what lies below it, or was
 * mounted over it since, is not ours to touch. */
static bool remove_through_mount(const struct notification *t)
{
    int root = open(t->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return false;
    struct stat st;
    bool removed = fstat(root, &st) == 0 && st.st_dev == t->device &&
                   unlinkat(root, t->path, AT_REMOVEDIR) == 0;
    close(root);
    return removed;
}

static bool is_of_list(const struct notification *t)
{
    return t->kind == EXPIRE || t->kind == DELETED || t->kind == REMOVED;
}

static bool is_held(struct notify *n, const struct notification *t)
{
    bool removal = atomic_load(&n->holds[NOTIFY_REMOVAL]) > 0;
    uint64_t victim = atomic_load(&n->victim);
    switch (t->kind) {
    case INODE:
    case INODE_DATA:
        return false;
    case FLUSH:
        return atomic_load(&n->pausing); /* it comes after the names that wait for that */
    case NAME:
        return removal && (victim == 0 || t->parent == victim);
    default:
        return removal || atomic_load(&n->holds[NOTIFY_LISTS]) > 0 ||
               (t->parent == NOTIFY_ROOT_ID && atomic_load(&n->pausing));
    }
}

static void run(struct worker_job *job)
{
    struct notification *t = (struct notification *)job;
    t->put_off = is_held(t->notify, t);
    if (t->put_off)
        return;
    switch (t->kind) {
    case NAME:
        fuse_lowlevel_notify_inval_entry(t->session, t->parent, t->name, strlen(t->name));
        break;
    case EXPIRE:
        libfuse_notify_expire_entry(t->session, t->parent, t->name);
        break;
    case INODE:
        fuse_lowlevel_notify_inval_inode(t->session, t->node, -1, 0);
        break;
    case INODE_DATA:
        fuse_lowlevel_notify_inval_inode(t->session, t->node, 0, 0);
        break;
    case FLUSH: /* that its turn has come is all */
        break;
    case REMOVED:
        if (remove_through_mount(t))
            break;
        /* fall through */
    case DELETED:
        if (t->node != 0 && fuse_lowlevel_notify_delete(t->session, t->parent, t->node, t->name,
                                                        strlen(t->name)) == 0)
            break;
        fuse_lowlevel_notify_inval_entry(t->session, t->parent, t->name, strlen(t->name));
        break;
    }
}

/* To the worker, or to those that are held back. */
static void submit(struct notify *n, struct notification *t)
{
    if (is_held(n, t)) {
        t->job.next = NULL;
        *n->held_last = &t->job;
        n->held_last = &t->job.next;
        return;
    }
    n->queued++;
    n->queued_lists += is_of_list(t);
    worker_submit(n->worker, &t->job);
}

static void done(struct worker_job *job)
{
    struct notification *t = (struct notification *)job;
    t->notify->queued--;
    t->notify->queued_lists -= is_of_list(t);
    if (t->put_off && t->notify->session != NULL) {
        submit(t->notify, t);
        return;
    }
    t->notify->waiting--;
    if (t->flush.done != NULL)
        t->flush.done(t->flush.arg);
    free(t);
}

static void post(struct notify *n, enum kind kind, uint64_t parent, uint64_t node, const char *name,
                 const char *path)
{
    if (n->session == NULL)
        return;
    size_t len = strlen(name) + 1, path_len = strlen(path) + 1;
    struct notification *t = malloc(sizeof *t + len + path_len);
    if (t == NULL) {
        log_error(n->log, "no memory: the kernel may show old data for %s", name);
        return;
    }
    *t = (struct notification){.job = {.run = run, .done = done},
                               .notify = n,
                               .session = n->session,
                               .mountpoint = n->mountpoint,
                               .kind = kind,
                               .parent = parent,
                               .node = node,
                               .device = n->device};
    memcpy(t->name, name, len);
    t->path = memcpy(t->name + len, path, path_len);
    n->waiting++;
    submit(n, t);
}

static void run_store(struct worker_job *job)
{
    const struct store *s = (const struct store *)job;
    for (size_t i = 0; i < s->count; i++) {
        const struct notify_file *f = &s->files[i];
        struct fuse_bufvec data = FUSE_BUFVEC_INIT(f->size);
        data.buf[0].mem = (void *)(uintptr_t)f->data;
        /* One that the kernel has forgotten is none of its business any more. */
        fuse_lowlevel_notify_store(s->session, f->node, 0, &data, 0);
    }
}

static void store_done(struct worker_job *job)
{
    struct store *s = (struct store *)job;
    s->notify->queued--;
    s->notify->waiting--;
    s->done(s->arg);
    free(s);
}

void notify_store(struct notify *n, const struct notify_file *files, size_t count,
                  void (*on_done)(void *arg), void *arg)
{
    struct store *s = n->session != NULL ? malloc(sizeof *s) : NULL;
    if (s == NULL) {
        on_done(arg);
        return;
    }
    *s = (struct store){.job = {.run = run_store, .done = store_done},
                        .notify = n,
                        .session = n->session,
                        .files = files,
                        .count = count,
                        .done = on_done,
                        .arg = arg};
    n->queued++;
    n->waiting++;
    worker_submit(n->worker, &s->job);
}

struct notify_flush *notify_flush(struct notify *n, bool locks, void (*on_done)(void *arg),
                                  void *arg)
{
    bool holds =
        atomic_load(&n->holds[NOTIFY_LISTS]) > 0 || atomic_load(&n->holds[NOTIFY_REMOVAL]) > 0;
    bool paused = atomic_load(&n->pausing) && n->held != NULL && !holds;
    bool may_block =
        locks ? n->queued_lists > 0 || atomic_load(&n->pausing) : n->queued_lists > 0 && holds;
    struct notification *t = n->session == NULL || may_block || (n->queued == 0 && !paused)
                                 ? NULL
                                 : calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    *t = (struct notification){.job = {.run = run, .done = done},
                               .notify = n,
                               .kind = FLUSH,
                               .flush = {.done = on_done, .arg = arg}};
    n->waiting++;
    submit(n, t);
    return &t->flush;
}

void notify_flush_cancel(struct notify_flush *f)
{
    f->done = NULL;
}

void notify_name(struct notify *n, uint64_t parent, const char *name)
{
    post(n, NAME, parent, 0, name, "");
}

void notify_expire(struct notify *n, uint64_t parent, const char *name)
{
    post(n, EXPIRE, parent, 0, name, "");
}

void notify_inode(struct notify *n, uint64_t node, bool data)
{
    post(n, data ? INODE_DATA : INODE, 0, node, "", "");
}

void notify_deleted(struct notify *n, uint64_t parent, uint64_t child, const char *name)
{
    post(n, DELETED, parent, child, name, "");
}

void notify_removed(struct notify *n, uint64_t parent, uint64_t child, const char *name,
                    const char *path)
{
    post(n, REMOVED, parent, child, name, path);
}

void notify_poll(struct fuse_pollhandle *handle)
{
    fuse_lowlevel_notify_poll(handle);
    fuse_pollhandle_destroy(handle);
}

pid_t notify_tid(const struct notify *n)
{
    return worker_tid(n->worker);
}

bool notify_is_full(const struct notify *n)
{
    return n->queued >= NOTIFY_FULL;
}

unsigned notify_waiting(const struct notify *n)
{
    return n->waiting;
}

bool notify_is_busy(struct notify *n)
{
    return worker_is_busy(n->worker);
}

/* Those that may go now, in their order. */
static void submit_held(struct notify *n)
{
    struct worker_job *job = n->held;
    n->held = NULL;
    n->held_last = &n->held;
    while (job != NULL) {
        struct worker_job *next = job->next;
        submit(n, (struct notification *)job);
        job = next;
    }
}

static void on_pause_end(void *arg)
{
    struct notify *n = arg;
    atomic_store(&n->pausing, false);
    submit_held(n);
}

int notify_new(struct loop *loop, struct log *log, struct notify **out)
{
    struct notify *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    n->loop = loop;
    n->log = log;
    n->held_last = &n->held;
    loop_timer_init(&n->pause, on_pause_end, n);
    int err = worker_start(loop, &n->worker);
    if (err < 0) {
        free(n);
        return err;
    }
    *out = n;
    return 0;
}

void notify_free(struct notify *n)
{
    if (n == NULL)
        return;
    n->session = NULL;
    loop_timer_clear(&n->pause);
    worker_stop(n->worker);
    while (n->held != NULL) {
        struct worker_job *next = n->held->next;
        free(n->held);
        n->held = next;
    }
    free(n->mountpoint);
    free(n);
}

void notify_hold(struct notify *n, enum notify_lock lock, uint64_t victim)
{
    unsigned before = atomic_fetch_add(&n->holds[lock], 1);
    if (lock == NOTIFY_REMOVAL)
        atomic_store(&n->victim, before == 0 ? victim : 0);
}

void notify_release(struct notify *n, enum notify_lock lock)
{
    if (lock == NOTIFY_REMOVAL) {
        atomic_store(&n->pausing, true);
        loop_timer_set(n->loop, &n->pause, NOTIFY_PAUSE_MS);
    }
    if (atomic_fetch_sub(&n->holds[lock], 1) == 1)
        submit_held(n);
}

void notify_start(struct notify *n, struct fuse_session *session, const char *mountpoint,
                  dev_t device)
{
    n->device = device;
    free(n->mountpoint);
    n->mountpoint = strdup(mountpoint);
    n->session = n->mountpoint != NULL ? session : NULL;
}

void notify_stop(struct notify *n)
{
    n->session = NULL;
    worker_close(n->worker);
}
