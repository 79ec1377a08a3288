/*
 * The states of a notification:
 *
 *   state    where it is                     what ends it                        next
 *   QUEUED   with the worker                 its turn comes, the gate is open    SENT
 *                                            its turn comes, the gate is shut    PUT OFF
 *                                            notify_free                         ENDED
 *   SENT     on its way back to the loop     it arrives                          ENDED
 *   PUT OFF  on its way back to the loop     it arrives, the gate is shut        HELD, as put off
 *                                            it arrives, the gate is open again  QUEUED
 *                                            it arrives after notify_stop        ENDED
 *   HELD     in held.put_off, held.posted    a release or the pause's end opens  QUEUED
 *                                            the gate for it
 *                                            notify_free                         ENDED
 *   ENDED    freed, after who waits for it was told
 *
 * A new one is QUEUED when the gate is open for it, HELD when it is shut.
 */
#include "bigdatafs/kernel/notify.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "bigdatafs/base/worker.h"
#include "gate.h"
#include "tell.h"

_Static_assert((int)NOTIFY_ROOT_ID == (int)TELL_ROOT_ID, "one number for the root");

/* Who is told when a notification has ended. */
struct notify_flush {
    void (*done)(void *arg); /* NULL: nobody */
    void *arg;
};

struct notification {
    struct worker_job job;            /* first: a job is cast back */
    STAILQ_ENTRY(notification) entry; /* HELD: in its list */
    struct notify *notify;
    struct notice notice;            /* its texts are behind this struct */
    const struct notify_file *files; /* NOTICE_STORE: borrowed */
    size_t count;                    /* of files */
    struct notify_flush waiter;
    bool put_off; /* its last turn came while the gate was shut */
    char texts[];
};

STAILQ_HEAD(notifications, notification);

/* Of all that take the same lock, those that were put off were posted before the others. */
struct held {
    struct notifications put_off, posted;
    unsigned count; /* in both */
};

struct notify {
    struct loop *loop;
    struct worker *worker;
    struct log *log;
    struct tell_mount mount; /* constant while started, and after */
    bool started;            /* false: new notifications are dropped */
    struct gate gate;
    struct loop_timer pause; /* until the gate's pause ends */
    struct held held;
    unsigned queued;       /* with the worker or on their way back */
    unsigned queued_lists; /* those of them that take the lock of the root or of .archived */
};

/* What must be true between two steps. */
static void check_invariants(const struct notify *n)
{
    bool none_held = STAILQ_EMPTY(&n->held.put_off) && STAILQ_EMPTY(&n->held.posted);
    bool may_hold = gate_is_locked(&n->gate) || gate_is_paused(&n->gate);
    assert(n->queued_lists <= n->queued);
    assert(none_held == (n->held.count == 0));
    assert(none_held || may_hold);
    assert(gate_is_paused(&n->gate) == loop_timer_is_set(&n->pause));
    (void)none_held, (void)may_hold;
}

/* In the worker's thread. */
static void run(struct worker_job *job)
{
    struct notification *t = (struct notification *)job;
    const struct notify *n = t->notify;
    t->put_off = gate_is_shut(&n->gate, &t->notice);
    if (t->put_off)
        return;
    for (size_t i = 0; i < t->count; i++)
        tell_content(&n->mount, t->files[i].node, t->files[i].data, t->files[i].size);
    tell_kernel(&n->mount, &t->notice);
}

/* To the worker when the gate is open, else to the list of those that are held back. */
static void submit(struct notify *n, struct notification *t, struct notifications *held)
{
    if (gate_is_shut(&n->gate, &t->notice)) {
        STAILQ_INSERT_TAIL(held, t, entry);
        n->held.count++;
        return;
    }
    n->queued++;
    n->queued_lists += gate_is_of_list(t->notice.kind);
    worker_submit(n->worker, &t->job);
}

static void end(struct notification *t)
{
    if (t->waiter.done != NULL)
        t->waiter.done(t->waiter.arg);
    free(t);
}

/* In the loop's thread: back from the worker. */
static void on_back(struct worker_job *job)
{
    struct notification *t = (struct notification *)job;
    struct notify *n = t->notify;
    n->queued--;
    n->queued_lists -= gate_is_of_list(t->notice.kind);
    if (t->put_off && n->started)
        submit(n, t, &n->held.put_off);
    else
        end(t);
    check_invariants(n);
}

/* Takes all that are held back, the oldest first. */
static void take_held(struct notify *n, struct notifications *out)
{
    STAILQ_INIT(out);
    STAILQ_CONCAT(out, &n->held.put_off);
    STAILQ_CONCAT(out, &n->held.posted);
    n->held.count = 0;
}

static struct notification *take_first(struct notifications *list)
{
    struct notification *t = STAILQ_FIRST(list);
    if (t != NULL)
        STAILQ_REMOVE_HEAD(list, entry);
    return t;
}

/* The gate has opened for some of those that are held back. */
static void submit_held(struct notify *n)
{
    struct notifications all;
    struct notification *t;
    take_held(n, &all);
    while ((t = take_first(&all)) != NULL)
        submit(n, t, &n->held.posted);
}

static const char *copy_text(char **to, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    const char *copy = memcpy(*to, text, size);
    *to += size;
    return copy;
}

/* NULL: nothing is sent now, or no memory. */
static struct notification *new_notification(struct notify *n, const struct notice *notice)
{
    size_t name_size = notice->name != NULL ? strlen(notice->name) + 1 : 0;
    size_t path_size = notice->path != NULL ? strlen(notice->path) + 1 : 0;
    struct notification *t = n->started ? malloc(sizeof *t + name_size + path_size) : NULL;
    if (t == NULL)
        return NULL;
    *t =
        (struct notification){.job = {.run = run, .done = on_back}, .notify = n, .notice = *notice};
    char *texts = t->texts;
    t->notice.name = copy_text(&texts, notice->name);
    t->notice.path = copy_text(&texts, notice->path);
    return t;
}

static void post(struct notify *n, const struct notice *notice)
{
    struct notification *t = new_notification(n, notice);
    if (t != NULL)
        submit(n, t, &n->held.posted);
    else if (n->started)
        log_error(n->log, "no memory: the kernel may show old data for %s",
                  notice->name != NULL ? notice->name : "a file");
    check_invariants(n);
}

void notify_name(struct notify *n, uint64_t parent, const char *name)
{
    struct notice notice = {.kind = NOTICE_NAME, .parent = parent, .name = name};
    post(n, &notice);
}

void notify_expire(struct notify *n, uint64_t parent, const char *name)
{
    struct notice notice = {.kind = NOTICE_EXPIRE, .parent = parent, .name = name};
    post(n, &notice);
}

void notify_inode(struct notify *n, uint64_t node, bool data)
{
    struct notice notice = {.kind = data ? NOTICE_DATA : NOTICE_INODE, .node = node};
    post(n, &notice);
}

void notify_deleted(struct notify *n, uint64_t parent, uint64_t child, const char *name)
{
    struct notice notice = {.kind = NOTICE_DELETED, .parent = parent, .node = child, .name = name};
    post(n, &notice);
}

void notify_removed(struct notify *n, uint64_t parent, uint64_t child, const char *name,
                    const char *path)
{
    struct notice notice = {
        .kind = NOTICE_REMOVED, .parent = parent, .node = child, .name = name, .path = path};
    post(n, &notice);
}

void notify_store(struct notify *n, const struct notify_file *files, size_t count,
                  void (*done)(void *arg), void *arg)
{
    struct notice notice = {.kind = NOTICE_STORE};
    struct notification *t = new_notification(n, &notice);
    if (t == NULL) {
        done(arg);
        return;
    }
    t->files = files;
    t->count = count;
    t->waiter = (struct notify_flush){.done = done, .arg = arg};
    submit(n, t, &n->held.posted);
    check_invariants(n);
}

/* Whether something is sent without the end of a request: what is queued, or what the end of the
 * pause alone holds back. */
static bool has_news(const struct notify *n)
{
    return n->queued > 0 || (n->held.count > 0 && !gate_is_locked(&n->gate));
}

/* Whether a flush might wait for the answer to a request. A notification that takes a list's lock
 * can be in the kernel already, waiting for it. During a pause a flush is held back, and who holds
 * a lock should not wait that long. */
static bool may_block(const struct notify *n, bool locks)
{
    if (locks)
        return n->queued_lists > 0 || gate_is_paused(&n->gate);
    return n->queued_lists > 0 && gate_is_locked(&n->gate);
}

struct notify_flush *notify_flush(struct notify *n, bool locks, void (*done)(void *arg), void *arg)
{
    struct notice notice = {.kind = NOTICE_FLUSH};
    struct notification *t =
        has_news(n) && !may_block(n, locks) ? new_notification(n, &notice) : NULL;
    if (t == NULL)
        return NULL;
    t->waiter = (struct notify_flush){.done = done, .arg = arg};
    submit(n, t, &n->held.posted);
    check_invariants(n);
    return &t->waiter;
}

void notify_flush_cancel(struct notify_flush *f)
{
    f->done = NULL;
}

void notify_hold(struct notify *n, enum notify_lock lock, uint64_t victim)
{
    if (lock == NOTIFY_REMOVAL)
        gate_lock_removal(&n->gate, victim);
    else
        gate_lock_lists(&n->gate);
    check_invariants(n);
}

void notify_release(struct notify *n, enum notify_lock lock)
{
    bool last =
        lock == NOTIFY_REMOVAL ? gate_unlock_removal(&n->gate) : gate_unlock_lists(&n->gate);
    if (lock == NOTIFY_REMOVAL)
        loop_timer_set(n->loop, &n->pause, NOTIFY_PAUSE_MS);
    if (last)
        submit_held(n);
    check_invariants(n);
}

static void on_pause_end(void *arg)
{
    struct notify *n = arg;
    gate_end_pause(&n->gate);
    submit_held(n);
    check_invariants(n);
}

void notify_poll(struct fuse_pollhandle *handle)
{
    tell_poll(handle);
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
    return n->queued + n->held.count;
}

bool notify_is_busy(struct notify *n)
{
    return worker_is_busy(n->worker);
}

int notify_new(struct loop *loop, struct log *log, struct notify **out)
{
    struct notify *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    n->loop = loop;
    n->log = log;
    STAILQ_INIT(&n->held.put_off);
    STAILQ_INIT(&n->held.posted);
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
    n->started = false;
    worker_stop(n->worker);
    struct notifications all;
    struct notification *t;
    take_held(n, &all);
    while ((t = take_first(&all)) != NULL)
        end(t);
    loop_timer_clear(&n->pause);
    free(n->mount.mountpoint);
    free(n);
}

void notify_start(struct notify *n, struct fuse_session *session, const char *mountpoint,
                  dev_t device)
{
    assert(n->mount.session == NULL); /* the worker's thread reads it from now on */
    n->mount =
        (struct tell_mount){.session = session, .mountpoint = strdup(mountpoint), .device = device};
    n->started = n->mount.mountpoint != NULL;
    if (!n->started)
        log_error(n->log, "no memory: the kernel will show old data");
}

void notify_stop(struct notify *n)
{
    n->started = false;
    worker_close(n->worker);
}
