#define FUSE_USE_VERSION 314
#include "bigdatafs/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bigdatafs/worker.h"

struct notify {
    struct loop *loop;
    struct worker *worker;
    struct log *log;
    struct fuse_session *session; /* NULL: drop */
    char *mountpoint;
    dev_t device;
    atomic_uint holds;                    /* read by the worker's thread as well */
    atomic_bool pausing;                  /* the same: after a removal from the root ... */
    struct loop_timer pause;              /* ... until this is due */
    struct worker_job *held, **held_last; /* notifications about names, in order */
};

enum kind { NAME, EXPIRE, INODE, INODE_DATA, DELETED, REMOVED };

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

/* Whether it might wait in the kernel for a lock that a request has until the service answers. */
static bool must_wait(const struct notification *t)
{
    if (t->kind == INODE || t->kind == INODE_DATA)
        return false;
    return atomic_load(&t->notify->holds) > 0 ||
           (atomic_load(&t->notify->pausing) && t->parent == FUSE_ROOT_ID);
}

static void run(struct worker_job *job)
{
    struct notification *t = (struct notification *)job;
    t->put_off = must_wait(t);
    if (t->put_off)
        return;
    switch (t->kind) {
    case NAME:
        fuse_lowlevel_notify_inval_entry(t->session, t->parent, t->name, strlen(t->name));
        break;
    case EXPIRE:
        fuse_lowlevel_notify_expire_entry(t->session, t->parent, t->name, strlen(t->name),
                                          FUSE_LL_EXPIRE_ONLY);
        break;
    case INODE:
        fuse_lowlevel_notify_inval_inode(t->session, t->node, -1, 0);
        break;
    case INODE_DATA:
        fuse_lowlevel_notify_inval_inode(t->session, t->node, 0, 0);
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
    if (must_wait(t)) {
        t->job.next = NULL;
        *n->held_last = &t->job;
        n->held_last = &t->job.next;
    } else {
        worker_submit(n->worker, &t->job);
    }
}

static void done(struct worker_job *job)
{
    struct notification *t = (struct notification *)job;
    if (t->put_off && t->notify->session != NULL)
        submit(t->notify, t);
    else
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
    submit(n, t);
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

pid_t notify_tid(const struct notify *n)
{
    return worker_tid(n->worker);
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

void notify_hold(struct notify *n)
{
    atomic_fetch_add(&n->holds, 1);
}

void notify_release(struct notify *n, bool removal)
{
    if (removal) {
        atomic_store(&n->pausing, true);
        loop_timer_set(n->loop, &n->pause, NOTIFY_PAUSE_MS);
    }
    if (atomic_fetch_sub(&n->holds, 1) == 1)
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
