/* Notifications that are sent, held back and put off. The kernel is a list of what it was told. */
#define FUSE_USE_VERSION 314
#include "bigdatafs/kernel/notify.h"

#include <fuse_lowlevel.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bigdatafs/base/buf.h"
#include "check.h"
#include "fakes/fake_loop.h"
#include "fakes/fake_worker.h"

/* The numbers that the kernel knows directories by. */
enum { ROOT = NOTIFY_ROOT_ID, ARCHIVED = 2, VICTIM = 70, OTHER = 80 };

/* The kernel, in place of libfuse's functions */

static struct buf told;      /* what the kernel was told since the last look */
static unsigned polls_freed; /* poll handles */
static int answer_to_delete; /* to fuse_lowlevel_notify_delete */
static struct fuse_session *const session = (struct fuse_session *)&told;

PRINTF_LIKE(1, 2) static int tell(const char *fmt, ...)
{
    char text[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    CHECK_INT(buf_printf(&told, "%s%s", told.len > 0 ? ", " : "", text), 0);
    return 0;
}

int fuse_lowlevel_notify_inval_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
                                     size_t len)
{
    CHECK(se == session);
    return tell("name %u/%.*s", (unsigned)parent, (int)len, name);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 16)
int fuse_lowlevel_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
                                      size_t len)
{
#else
int fuse_lowlevel_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
                                      size_t len, enum fuse_expire_flags flags)
{
    CHECK_INT(flags, FUSE_LL_EXPIRE_ONLY);
#endif
    CHECK(se == session);
    return tell("expire %u/%.*s", (unsigned)parent, (int)len, name);
}

int fuse_lowlevel_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len)
{
    CHECK(se == session);
    CHECK_INT(len, 0);
    return tell("%s %u", off < 0 ? "inode" : "data", (unsigned)ino);
}

int fuse_lowlevel_notify_delete(struct fuse_session *se, fuse_ino_t parent, fuse_ino_t child,
                                const char *name, size_t len)
{
    CHECK(se == session);
    tell("delete %u/%.*s=%u", (unsigned)parent, (int)len, name, (unsigned)child);
    return answer_to_delete;
}

int fuse_lowlevel_notify_store(struct fuse_session *se, fuse_ino_t ino, off_t offset,
                               struct fuse_bufvec *data, enum fuse_buf_copy_flags flags)
{
    CHECK(se == session);
    CHECK(offset == 0 && flags == 0 && data->count == 1);
    return tell("store %u=%.*s", (unsigned)ino, (int)data->buf[0].size,
                (const char *)data->buf[0].mem);
}

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
    return tell("poll %d", *(const int *)ph);
}

void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
    (void)ph;
    polls_freed++;
}

/* The bench */

struct bench {
    struct loop *loop;
    struct log log;
    struct notify *notify;
    struct worker *worker;
};

static void set_up_for(struct bench *b, const char *mountpoint, dev_t device)
{
    *b = (struct bench){0};
    buf_init(&told, 1 << 20);
    answer_to_delete = 0;
    log_init(&b->log, LOG_ERR);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(notify_new(b->loop, &b->log, &b->notify), 0);
    b->worker = fake_worker_newest();
    notify_start(b->notify, session, mountpoint, device);
}

static void set_up(struct bench *b)
{
    set_up_for(b, "/nonexistent", 0);
}

static void tear_down(struct bench *b)
{
    notify_free(b->notify);
    CHECK_INT(fake_loop_timers(b->loop), 0);
    loop_free(b->loop);
    buf_free(&told);
}

static void check_told(const char *want, int line)
{
    const char *got = told.data != NULL ? told.data : "";
    check_bytes(got, strlen(got), want, strlen(want), __FILE__, line, "what the kernel was told");
    buf_reset(&told);
}

/* What the kernel was told since the last look. */
#define CHECK_TOLD(want) check_told(want, __LINE__)
/* The same, once the thread has come to rest. */
#define CHECK_SENDS(b, want) (fake_worker_settle((b)->worker), check_told(want, __LINE__))

static void count(void *arg)
{
    (*(unsigned *)arg)++;
}

/* One of each kind for each directory that matters, and the calls that they become. */

static const struct notify_file file = {.node = 9, .data = "abc", .size = 3};

static void post_name(struct notify *n, uint64_t parent)
{
    notify_name(n, parent, "x");
}

static void post_expire(struct notify *n, uint64_t parent)
{
    notify_expire(n, parent, "x");
}

static void post_deleted(struct notify *n, uint64_t parent)
{
    notify_deleted(n, parent, 7, "x");
}

static void post_removed(struct notify *n, uint64_t parent)
{
    notify_removed(n, parent, 7, "x", "x");
}

static void post_inode(struct notify *n, uint64_t parent)
{
    notify_inode(n, parent, false);
}

static void post_data(struct notify *n, uint64_t parent)
{
    notify_inode(n, parent, true);
}

static void post_store(struct notify *n, uint64_t parent)
{
    static unsigned stored;
    (void)parent;
    notify_store(n, &file, 1, count, &stored);
}

enum { LISTS = 1, REMOVAL = 2, REMOVAL_OF_ANY = 4, TWO_REMOVALS = 8, PAUSE = 16 };

static const struct expectation {
    void (*post)(struct notify *n, uint64_t parent);
    uint64_t parent;
    const char *call;
    unsigned held; /* the conditions of the line above under which it is held back */
} expectations[] = {
    {post_name, VICTIM, "name 70/x", REMOVAL | REMOVAL_OF_ANY | TWO_REMOVALS},
    {post_name, OTHER, "name 80/x", REMOVAL_OF_ANY | TWO_REMOVALS},
    {post_expire, ROOT, "expire 1/x", LISTS | REMOVAL | REMOVAL_OF_ANY | TWO_REMOVALS | PAUSE},
    {post_expire, ARCHIVED, "expire 2/x", LISTS | REMOVAL | REMOVAL_OF_ANY | TWO_REMOVALS},
    {post_deleted, ROOT, "delete 1/x=7", LISTS | REMOVAL | REMOVAL_OF_ANY | TWO_REMOVALS | PAUSE},
    {post_deleted, ARCHIVED, "delete 2/x=7", LISTS | REMOVAL | REMOVAL_OF_ANY | TWO_REMOVALS},
    {post_removed, ROOT, "delete 1/x=7", LISTS | REMOVAL | REMOVAL_OF_ANY | TWO_REMOVALS | PAUSE},
    {post_removed, ARCHIVED, "delete 2/x=7", LISTS | REMOVAL | REMOVAL_OF_ANY | TWO_REMOVALS},
    {post_inode, ROOT, "inode 1", 0},
    {post_inode, VICTIM, "inode 70", 0},
    {post_data, ROOT, "data 1", 0},
    {post_data, VICTIM, "data 70", 0},
    {post_store, 0, "store 9=abc", 0},
};

static void begin(struct notify *n, unsigned condition)
{
    switch (condition) {
    case LISTS:
        notify_hold(n, NOTIFY_LISTS, 0);
        break;
    case REMOVAL:
        notify_hold(n, NOTIFY_REMOVAL, VICTIM);
        break;
    case REMOVAL_OF_ANY:
        notify_hold(n, NOTIFY_REMOVAL, 0);
        break;
    case TWO_REMOVALS: /* the one that remains may be of either */
        notify_hold(n, NOTIFY_REMOVAL, VICTIM);
        notify_hold(n, NOTIFY_REMOVAL, VICTIM + 1);
        notify_release(n, NOTIFY_REMOVAL);
        break;
    case PAUSE:
        notify_hold(n, NOTIFY_REMOVAL, VICTIM);
        notify_release(n, NOTIFY_REMOVAL);
        break;
    }
}

static void finish(struct bench *b, unsigned condition)
{
    if (condition == LISTS)
        notify_release(b->notify, NOTIFY_LISTS);
    else if (condition != PAUSE)
        notify_release(b->notify, NOTIFY_REMOVAL);
    fake_loop_advance(b->loop, NOTIFY_PAUSE_MS);
}

/* queued: it is with the worker before the condition begins. */
static void check_expectation(const struct expectation *e, unsigned condition, bool queued)
{
    struct bench b;
    set_up(&b);
    if (queued)
        e->post(b.notify, e->parent);
    begin(b.notify, condition);
    if (!queued)
        e->post(b.notify, e->parent);
    fake_worker_settle(b.worker);
    bool held = (e->held & condition) != 0;
    if (!CHECK_INT(notify_waiting(b.notify), held))
        fprintf(stderr, "    %s under condition %u\n", e->call, condition);
    CHECK_TOLD(held ? "" : e->call);
    finish(&b, condition);
    CHECK_SENDS(&b, held ? e->call : "");
    CHECK_INT(notify_waiting(b.notify), 0);
    tear_down(&b);
}

static void test_each_kind_under_each_condition(void)
{
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        for (unsigned condition = LISTS; condition <= PAUSE; condition *= 2) {
            check_expectation(&expectations[i], condition, false);
            check_expectation(&expectations[i], condition, true);
        }
}

static void test_sent_in_order_when_nothing_is_held(void)
{
    struct bench b;
    set_up(&b);
    for (size_t i = 0; i < 4; i++)
        expectations[i].post(b.notify, expectations[i].parent);
    CHECK_INT(notify_waiting(b.notify), 4);
    CHECK_TOLD(""); /* not from the loop's thread */
    CHECK_SENDS(&b, "name 70/x, name 80/x, expire 1/x, expire 2/x");
    CHECK_INT(notify_waiting(b.notify), 0);
    tear_down(&b);
}

/* Order */

static void test_put_off_goes_before_those_posted_later(void)
{
    struct bench b;
    set_up(&b);
    notify_expire(b.notify, ROOT, "a");
    notify_expire(b.notify, ROOT, "b");
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_expire(b.notify, ROOT, "c");
    CHECK_SENDS(&b, "");
    notify_expire(b.notify, ROOT, "d");
    CHECK_INT(notify_waiting(b.notify), 4);
    notify_release(b.notify, NOTIFY_LISTS);
    CHECK_SENDS(&b, "expire 1/a, expire 1/b, expire 1/c, expire 1/d");
    tear_down(&b);
}

static void test_put_off_twice(void)
{
    struct bench b;
    set_up(&b);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_expire(b.notify, ARCHIVED, "a");
    notify_expire(b.notify, ARCHIVED, "b");
    notify_release(b.notify, NOTIFY_LISTS);
    notify_hold(b.notify, NOTIFY_REMOVAL, VICTIM);
    notify_expire(b.notify, ARCHIVED, "c");
    CHECK_SENDS(&b, "");
    notify_release(b.notify, NOTIFY_REMOVAL);
    CHECK_SENDS(&b, "expire 2/a, expire 2/b, expire 2/c");
    tear_down(&b);
}

static void test_release_while_one_is_on_its_way_back(void)
{
    struct bench b;
    set_up(&b);
    notify_expire(b.notify, ARCHIVED, "a");
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    CHECK(fake_worker_run(b.worker)); /* put off */
    notify_release(b.notify, NOTIFY_LISTS);
    CHECK_INT(notify_waiting(b.notify), 1);
    CHECK_SENDS(&b, "expire 2/a");
    CHECK_INT(notify_waiting(b.notify), 0);
    tear_down(&b);
}

/* Holds */

static void test_holds_nest(void)
{
    struct bench b;
    set_up(&b);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_hold(b.notify, NOTIFY_REMOVAL, VICTIM);
    notify_expire(b.notify, ARCHIVED, "a");
    notify_name(b.notify, VICTIM, "v");
    notify_release(b.notify, NOTIFY_LISTS);
    notify_release(b.notify, NOTIFY_REMOVAL);
    CHECK_SENDS(&b, "name 70/v");
    notify_release(b.notify, NOTIFY_LISTS);
    CHECK_SENDS(&b, "expire 2/a");
    tear_down(&b);
}

static void test_a_removal_after_two_has_its_own_victim(void)
{
    struct bench b;
    set_up(&b);
    begin(b.notify, TWO_REMOVALS);
    notify_release(b.notify, NOTIFY_REMOVAL);
    notify_hold(b.notify, NOTIFY_REMOVAL, VICTIM);
    notify_name(b.notify, OTHER, "o");
    notify_name(b.notify, VICTIM, "v");
    CHECK_SENDS(&b, "name 80/o");
    notify_release(b.notify, NOTIFY_REMOVAL);
    CHECK_SENDS(&b, "name 70/v");
    tear_down(&b);
}

static void test_each_removal_makes_the_pause_longer(void)
{
    struct bench b;
    set_up(&b);
    begin(b.notify, PAUSE);
    notify_expire(b.notify, ROOT, "a");
    fake_loop_advance(b.loop, NOTIFY_PAUSE_MS - 1);
    begin(b.notify, PAUSE);
    fake_loop_advance(b.loop, NOTIFY_PAUSE_MS - 1);
    CHECK_SENDS(&b, "");
    fake_loop_advance(b.loop, 1);
    CHECK_SENDS(&b, "expire 1/a");
    tear_down(&b);
}

static void test_the_pause_ends_during_a_hold(void)
{
    struct bench b;
    set_up(&b);
    begin(b.notify, PAUSE);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_expire(b.notify, ROOT, "a");
    fake_loop_advance(b.loop, NOTIFY_PAUSE_MS);
    CHECK_SENDS(&b, "");
    notify_release(b.notify, NOTIFY_LISTS);
    CHECK_SENDS(&b, "expire 1/a");
    tear_down(&b);
}

/* Flush */

static void test_flush_without_news(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    CHECK(notify_flush(b.notify, false, count, &done) == NULL);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_expire(b.notify, ROOT, "a"); /* held back for another: not waited for */
    CHECK(notify_flush(b.notify, false, count, &done) == NULL);
    CHECK(notify_flush(b.notify, true, count, &done) == NULL);
    CHECK_INT(done, 0);
    tear_down(&b);
}

static void test_flush_comes_after_what_was_posted(void)
{
    for (int locks = 0; locks <= 1; locks++) {
        struct bench b;
        unsigned done = 0;
        set_up(&b);
        notify_inode(b.notify, 5, true);
        CHECK(notify_flush(b.notify, locks, count, &done) != NULL);
        CHECK_INT(notify_waiting(b.notify), 2);
        CHECK(fake_worker_run(b.worker) && fake_worker_finish(b.worker));
        CHECK_TOLD("data 5");
        CHECK_INT(done, 0);
        fake_worker_settle(b.worker);
        CHECK_INT(done, 1);
        tear_down(&b);
    }
}

static void test_flush_that_might_not_end(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    notify_expire(b.notify, ROOT, "a"); /* it may have the lock already, or wait for it */
    CHECK(notify_flush(b.notify, true, count, &done) == NULL);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    CHECK(notify_flush(b.notify, false, count, &done) == NULL);
    notify_release(b.notify, NOTIFY_LISTS);
    CHECK(notify_flush(b.notify, false, count, &done) != NULL);
    fake_worker_settle(b.worker);
    CHECK_INT(done, 1);
    tear_down(&b);
}

static void test_flush_under_a_hold_waits_for_what_passes(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_expire(b.notify, ROOT, "a");
    notify_name(b.notify, OTHER, "o");
    CHECK(notify_flush(b.notify, false, count, &done) != NULL);
    CHECK_SENDS(&b, "name 80/o");
    CHECK_INT(done, 1);
    tear_down(&b);
}

static void test_flush_during_a_pause(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    begin(b.notify, PAUSE);
    CHECK(notify_flush(b.notify, false, count, &done) == NULL); /* nothing was posted */
    notify_expire(b.notify, ROOT, "a");
    notify_inode(b.notify, 5, false);
    CHECK(notify_flush(b.notify, true, count, &done) == NULL);
    CHECK(notify_flush(b.notify, false, count, &done) != NULL);
    CHECK_SENDS(&b, "inode 5");
    CHECK_INT(done, 0);
    fake_loop_advance(b.loop, NOTIFY_PAUSE_MS);
    CHECK(fake_worker_run(b.worker) && fake_worker_finish(b.worker));
    CHECK_TOLD("expire 1/a");
    CHECK_INT(done, 0);
    fake_worker_settle(b.worker);
    CHECK_INT(done, 1);
    tear_down(&b);
}

static void test_flush_is_put_off_with_the_names_before_it(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    notify_expire(b.notify, ROOT, "a");
    CHECK(notify_flush(b.notify, false, count, &done) != NULL);
    begin(b.notify, PAUSE);
    CHECK_SENDS(&b, "");
    CHECK_INT(done, 0);
    CHECK_INT(notify_waiting(b.notify), 2);
    fake_loop_advance(b.loop, NOTIFY_PAUSE_MS);
    CHECK_SENDS(&b, "expire 1/a");
    CHECK_INT(done, 1);
    tear_down(&b);
}

static void test_flush_cancelled(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    notify_inode(b.notify, 5, true);
    struct notify_flush *f = notify_flush(b.notify, false, count, &done);
    if (CHECK(f != NULL))
        notify_flush_cancel(f);
    CHECK_SENDS(&b, "data 5");
    CHECK_INT(done, 0);
    CHECK_INT(notify_waiting(b.notify), 0);
    tear_down(&b);
}

/* One answers its request from done, and so ends its hold. */
static void release_lists(void *arg)
{
    notify_release(arg, NOTIFY_LISTS);
}

static void test_done_may_call_back(void)
{
    struct bench b;
    set_up(&b);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_expire(b.notify, ROOT, "a");
    notify_inode(b.notify, 5, false);
    CHECK(notify_flush(b.notify, true, release_lists, b.notify) != NULL);
    CHECK_SENDS(&b, "inode 5, expire 1/a");
    tear_down(&b);
}

/* Store */

static void test_store_sent(void)
{
    struct bench b;
    unsigned done = 0;
    struct notify_file files[] = {{.node = 9, .data = "abcd", .size = 4},
                                  {.node = 10, .data = "x", .size = 1}};
    set_up(&b);
    notify_store(b.notify, files, 2, count, &done);
    CHECK(fake_worker_run(b.worker));
    CHECK_TOLD("store 9=abcd, store 10=x");
    CHECK_INT(done, 0);
    fake_worker_settle(b.worker);
    CHECK_INT(done, 1);
    tear_down(&b);
}

static void test_store_before_start_and_after_stop(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    notify_store(b.notify, &file, 1, count, &done);
    notify_stop(b.notify);
    fake_worker_settle(b.worker);
    CHECK_INT(done, 0); /* the kernel may be reading it */
    notify_store(b.notify, &file, 1, count, &done);
    CHECK_INT(done, 1);
    tear_down(&b);
    CHECK_INT(done, 2);
    struct notify *n;
    set_up(&b);
    CHECK_INT(notify_new(b.loop, &b.log, &n), 0);
    notify_store(n, &file, 1, count, &done);
    CHECK_INT(done, 3);
    notify_name(n, OTHER, "o");
    CHECK_INT(notify_waiting(n), 0);
    notify_free(n);
    tear_down(&b);
}

/* The end */

static void test_stop_with_queued_and_held(void)
{
    struct bench b;
    unsigned flushed = 0, stored = 0;
    set_up(&b);
    notify_expire(b.notify, ROOT, "put off");
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    CHECK(fake_worker_run(b.worker)); /* put off, on its way back */
    notify_expire(b.notify, ROOT, "held");
    notify_inode(b.notify, 5, false);
    notify_store(b.notify, &file, 1, count, &stored);
    notify_stop(b.notify);
    fake_worker_settle(b.worker);
    notify_inode(b.notify, 6, false);
    CHECK(notify_flush(b.notify, false, count, &flushed) == NULL);
    notify_release(b.notify, NOTIFY_LISTS);
    fake_worker_settle(b.worker);
    CHECK_INT(stored, 0);
    notify_free(b.notify);
    b.notify = NULL;
    CHECK_TOLD("");
    CHECK_INT(stored, 1);
    CHECK_INT(flushed, 0);
    tear_down(&b);
}

static void test_free_tells_a_flush_that_is_held(void)
{
    struct bench b;
    unsigned done = 0;
    set_up(&b);
    begin(b.notify, PAUSE);
    notify_expire(b.notify, ROOT, "a");
    CHECK(notify_flush(b.notify, false, count, &done) != NULL);
    tear_down(&b);
    CHECK_INT(done, 1);
}

static void test_free_of_nothing(void)
{
    notify_free(NULL);
}

/* What becomes of a directory that is gone */

static void test_deleted_that_the_kernel_does_not_know(void)
{
    struct bench b;
    set_up(&b);
    notify_deleted(b.notify, ROOT, 0, "a");
    CHECK_SENDS(&b, "name 1/a");
    answer_to_delete = -2;
    notify_deleted(b.notify, ROOT, 7, "a");
    CHECK_SENDS(&b, "delete 1/a=7, name 1/a");
    tear_down(&b);
}

static void test_removed_through_the_mount(void)
{
    struct bench b;
    struct stat st;
    char top[] = "/tmp/bigdatafs-notify-XXXXXX", inner[64];
    if (!CHECK(mkdtemp(top) != NULL && stat(top, &st) == 0))
        return;
    snprintf(inner, sizeof inner, "%s/x", top);
    CHECK_INT(mkdir(inner, 0700), 0);
    set_up_for(&b, top, st.st_dev + 1); /* something was mounted over it */
    notify_removed(b.notify, ROOT, 7, "x", "x");
    CHECK_SENDS(&b, "delete 1/x=7");
    CHECK_INT(access(inner, F_OK), 0);
    tear_down(&b);
    set_up_for(&b, top, st.st_dev);
    notify_removed(b.notify, ROOT, 7, "x", "x");
    CHECK_SENDS(&b, ""); /* the kernel saw it by itself */
    CHECK(access(inner, F_OK) < 0);
    tear_down(&b);
    rmdir(top);
}

/* The rest */

static void test_full(void)
{
    struct bench b;
    set_up(&b);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    for (unsigned i = 0; i < NOTIFY_FULL; i++)
        notify_expire(b.notify, ROOT, "held");
    for (unsigned i = 0; i < NOTIFY_FULL; i++) {
        CHECK(!notify_is_full(b.notify));
        notify_inode(b.notify, 5, false);
    }
    CHECK(notify_is_full(b.notify));
    CHECK_INT(notify_waiting(b.notify), 2 * NOTIFY_FULL);
    fake_worker_settle(b.worker);
    CHECK(!notify_is_full(b.notify));
    tear_down(&b);
}

static void test_busy(void)
{
    struct bench b;
    set_up(&b);
    notify_inode(b.notify, 5, false);
    CHECK(!notify_is_busy(b.notify));
    CHECK(fake_worker_run(b.worker));
    CHECK(notify_is_busy(b.notify));
    CHECK(fake_worker_finish(b.worker));
    CHECK(!notify_is_busy(b.notify));
    CHECK_INT(notify_tid(b.notify), worker_tid(b.worker));
    tear_down(&b);
}

static void test_poll_is_woken_at_once(void)
{
    struct bench b;
    int handle = 3;
    set_up(&b);
    begin(b.notify, REMOVAL);
    polls_freed = 0;
    notify_poll((struct fuse_pollhandle *)&handle);
    CHECK_TOLD("poll 3");
    CHECK_INT(polls_freed, 1);
    notify_release(b.notify, NOTIFY_REMOVAL);
    tear_down(&b);
}

int main(void)
{
    test_sent_in_order_when_nothing_is_held();
    test_each_kind_under_each_condition();
    test_put_off_goes_before_those_posted_later();
    test_put_off_twice();
    test_release_while_one_is_on_its_way_back();
    test_holds_nest();
    test_a_removal_after_two_has_its_own_victim();
    test_each_removal_makes_the_pause_longer();
    test_the_pause_ends_during_a_hold();
    test_flush_without_news();
    test_flush_comes_after_what_was_posted();
    test_flush_that_might_not_end();
    test_flush_under_a_hold_waits_for_what_passes();
    test_flush_during_a_pause();
    test_flush_is_put_off_with_the_names_before_it();
    test_flush_cancelled();
    test_done_may_call_back();
    test_store_sent();
    test_store_before_start_and_after_stop();
    test_stop_with_queued_and_held();
    test_free_tells_a_flush_that_is_held();
    test_free_of_nothing();
    test_deleted_that_the_kernel_does_not_know();
    test_removed_through_the_mount();
    test_full();
    test_busy();
    test_poll_is_woken_at_once();
    return check_report();
}
