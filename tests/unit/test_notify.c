/* Which notifications are sent, held back and put off, and how the kernel is told. */
#include "notify_bench.h"

/* One of each kind for each directory that matters, and the calls that they become. */

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

/* What can be locked, or paused. */
enum condition { LISTS = 1, REMOVAL = 2, REMOVAL_OF_ANY = 4, TWO_REMOVALS = 8, PAUSE = 16 };

static const struct expectation {
    void (*post)(struct notify *n, uint64_t parent);
    uint64_t parent;
    const char *call;
    unsigned held; /* the conditions under which it is held back */
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
        begin_pause(n);
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
    begin_pause(b.notify);
    notify_expire(b.notify, ROOT, "a");
    fake_loop_advance(b.loop, NOTIFY_PAUSE_MS - 1);
    begin_pause(b.notify);
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
    begin_pause(b.notify);
    notify_hold(b.notify, NOTIFY_LISTS, 0);
    notify_expire(b.notify, ROOT, "a");
    fake_loop_advance(b.loop, NOTIFY_PAUSE_MS);
    CHECK_SENDS(&b, "");
    notify_release(b.notify, NOTIFY_LISTS);
    CHECK_SENDS(&b, "expire 1/a");
    tear_down(&b);
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
    test_deleted_that_the_kernel_does_not_know();
    test_removed_through_the_mount();
    test_full();
    test_busy();
    test_poll_is_woken_at_once();
    return check_report();
}
