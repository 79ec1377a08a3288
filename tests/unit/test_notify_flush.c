/* Who waits for notifications: flushes and stores; and how it ends. */
#include "notify_bench.h"

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
    begin_pause(b.notify);
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
    begin_pause(b.notify);
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
    begin_pause(b.notify);
    notify_expire(b.notify, ROOT, "a");
    CHECK(notify_flush(b.notify, false, count, &done) != NULL);
    tear_down(&b);
    CHECK_INT(done, 1);
}

static void test_free_of_nothing(void)
{
    notify_free(NULL);
}

int main(void)
{
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
    return check_report();
}
