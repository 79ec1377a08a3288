/* Success and failure that nobody said in so many words: what is made of a page in the place of the
 * API's answer, of a replica that lags, and of what takes effect late. */
#include "deletion_bench.h"
#include "dispatch.h"

#define ARCHIVE REQUEST_ARCHIVE
#define HARD REQUEST_FORCE_DELETE

static void check_end(struct bench *b, const struct waiting *w, int err, const char *want)
{
    CHECK_STR(story(b), want);
    CHECK_INT(w->ended, 1);
    CHECK_INT(w->err, err);
}

/* A login page for a DELETE: a GET is made to see, and nothing is sent again. */
static void test_a_page_for_a_delete(void)
{
    static const long statuses[] = {200, 404};
    for (unsigned i = 0; i < 2; i++) {
        struct bench b;
        struct waiting w;
        char want[128];
        set_up(&b);
        start(&b, HARD, 1, &w);
        fake_api_answer_page(asked(&b, FAKE_FORCE_DELETE), statuses[i]);
        CHECK_INT(w.ended, 0);
        CHECK(connector_exists(connector_of(&b, 1)));
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
        snprintf(want, sizeof want,
                 "intent force_delete 1\noutcome force_delete 1 unknown EIO %ld 1\n", statuses[i]);
        check_end(&b, &w, -EIO, want);
        CHECK_INT(deletions_jobs(b.deletions), 0);
        pass(&b, 5000);
        CHECK_INT(deletes(&b), 1);
        tear_down(&b);
    }
}

static void test_a_page_for_an_archive_that_was_carried_out(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    fake_api_answer_page(asked(&b, FAKE_ARCHIVE), 200);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 200 1\n");
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ARCHIVED);
    tear_down(&b);
}

/* A lost answer and then a gateway's 404, also for the GET: that is not the end of it. */
static void test_a_gateways_404_is_not_gone(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    fake_api_answer_page(asked(&b, FAKE_GET), 404);
    check_end(&b, &w, -EIO, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    for (unsigned n = 0; n < 3; n++) {
        fake_api_answer_page(asked(&b, FAKE_GET), 404);
        pass(&b, 30000);
        CHECK(connector_exists(connector_of(&b, 1)));
    }
    CHECK_STR(story(&b), "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    tear_down(&b);
}

static void test_a_running_job_does_not_end_with_a_gateways_404(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_object(&b, FAKE_FORCE_DELETE, NULL);
    for (unsigned n = 0; n < 3; n++) {
        pass(&b, 30000);
        fake_api_answer_page(asked(&b, FAKE_GET), 404);
        CHECK(connector_exists(connector_of(&b, 1)));
        CHECK_INT(deletions_jobs(b.deletions), 1);
    }
    tear_down(&b);
}

/* A lost answer, a 404 of a replica that lags, and then it is there: it is sent again as ever. */
static void test_gone_once_is_not_gone(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_status(&b, FAKE_GET, 404);
    pass(&b, API_GONE_AGAIN_MS - 1);
    CHECK_INT(fake_api_waiting(b.api), 0);
    CHECK_INT(w.ended, 0);
    pass(&b, 1);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    CHECK(connector_exists(connector_of(&b, 1)));
    pass(&b, DISPATCH_RESEND_MS);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_status(&b, FAKE_GET, 404);
    pass(&b, API_GONE_AGAIN_MS);
    CHECK_INT(w.ended, 0);
    answer_status(&b, FAKE_GET, 404);
    check_end(&b, &w, 0,
              "intent force_delete 1\noutcome force_delete 1 done - 0 2\n"
              "resolved force_delete 1 gone\n");
    CHECK_INT(deletes(&b), 2);
    tear_down(&b);
}

/* There is no time for the second look: it is for another to make. */
static void test_gone_once_at_the_deadline(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    fake_loop_advance(b.loop, FAKE_TIMEOUT_S * 1000 - API_GONE_AGAIN_MS);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_status(&b, FAKE_GET, 404);
    check_end(&b, &w, -EIO, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    answer_gone(&b);
    CHECK_STR(story(&b), "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n"
                         "resolved force_delete 1 gone\n");
    tear_down(&b);
}

/* The 202 of a service that archives a second later: rmdir waits for it. */
static void test_archive_that_takes_a_moment(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_status(&b, FAKE_ARCHIVE, 202);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    pass(&b, DISPATCH_DOUBT_MS);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    pass(&b, 2 * (uint64_t)DISPATCH_DOUBT_MS);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 202 1\n");
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ARCHIVED);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

/* Who asked goes away while it is waited for: what became of it is seen all the same. */
static void test_abandon_while_an_archive_takes_a_moment(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, ARCHIVE, 1, &w);
    answer_status(&b, FAKE_ARCHIVE, 202);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    deletion_abandon(x);
    pass(&b, DISPATCH_DOUBT_MS);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    CHECK_STR(story(&b), "intent archive 1\noutcome archive 1 unknown EIO 202 1\n");
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    CHECK_STR(story(&b), "intent archive 1\noutcome archive 1 unknown EIO 202 1\n"
                         "resolved archive 1 archived\n");
    CHECK_INT(w.ended, 0);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

/* A GET that was sent before the DELETE is answered after it, with what was true before it. */
static void test_an_old_answer_does_not_undo_an_archive(void)
{
    struct bench b;
    struct waiting w;
    int err;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(catalogue_ask(b.catalogue, connector_of(&b, 1)->id, NULL, &err), CATALOGUE_ASKED);
    struct deletion *x;
    CHECK_INT(try_start(&b, ARCHIVE, 1, &w, &x), 0);
    settle(&b);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 200 1\n");
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ARCHIVED);
    tear_down(&b);
}

static void test_an_old_answer_does_not_bring_back_what_is_gone(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    int err;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(catalogue_ask(b.catalogue, connector_of(&b, 1)->id, NULL, &err), CATALOGUE_ASKED);
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    settle(&b);
    answer_status(&b, FAKE_FORCE_DELETE, 404);
    settle(&b);
    CHECK_INT(w.err, -ENOENT);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    CHECK(!connector_exists(connector_of(&b, 1)));
    tear_down(&b);
}

/* Interrupted by a signal, and asked for again by the same process: it waits for the first one. */
static void test_a_retry_joins(void)
{
    for (unsigned op = 0; op < 2; op++) {
        struct bench b;
        struct waiting w, again;
        struct deletion *x;
        enum request_op asked_op = op == 0 ? ARCHIVE : HARD;
        set_up(&b);
        deletion_abandon(start(&b, asked_op, 1, &w));
        CHECK_INT(try_start(&b, op == 0 ? HARD : ARCHIVE, 1, &again, &x), -EBUSY);
        CHECK_INT(try_start(&b, asked_op, 1, &again, &x), 0);
        deletion_abandon(x); /* interrupted once more */
        CHECK_INT(try_start(&b, asked_op, 1, &again, &x), 0);
        CHECK_INT(try_start(&b, asked_op, 1, &w, &x), -EBUSY); /* while it is waited for */
        answer_object(&b, op == 0 ? FAKE_ARCHIVE : FAKE_FORCE_DELETE, object_of(&b, 1, op == 0, 0));
        settle(&b);
        CHECK_INT(again.ended, 1);
        CHECK_INT(again.err, 0);
        CHECK_INT(w.ended, 0);
        CHECK_INT(deletes(&b), 1);
        CHECK_STR(story(&b), op == 0
                                 ? "intent archive 1\noutcome archive 1 done - 200 1\n"
                                 : "intent force_delete 1\noutcome force_delete 1 done - 200 1\n");
        tear_down(&b);
    }
}

/* Before its intent is written: with somebody to wait for it, it goes on. */
static void test_a_retry_joins_before_anything_was_sent(void)
{
    struct bench b;
    struct waiting w, again;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    deletion_abandon(x);
    CHECK_INT(try_start(&b, HARD, 1, &again, &x), 0);
    settle(&b);
    answer_status(&b, FAKE_FORCE_DELETE, 202);
    check_end(&b, &again, 0, "intent force_delete 1\noutcome force_delete 1 done - 202 1\n");
    CHECK_INT(w.ended, 0);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

static void test_another_does_not_join(void)
{
    static const struct requester others[] = {
        {.uid = 70, .gid = 8, .pid = 9, .command = "rmdir"},
        {.uid = 7, .gid = 8, .pid = 90, .command = "rmdir"},
    };
    for (unsigned i = 0; i < 2; i++) {
        struct bench b;
        struct waiting w, other;
        struct deletion *x;
        set_up(&b);
        deletion_abandon(start(&b, HARD, 1, &w));
        struct deletion_request request = {.op = HARD,
                                           .connector = connector_of(&b, 1),
                                           .who = others[i],
                                           .done = on_end,
                                           .arg = &other};
        CHECK_INT(deletion_start(b.deletions, &request, &x), -EBUSY);
        answer_status(&b, FAKE_FORCE_DELETE, 202);
        settle(&b);
        CHECK_INT(deletes(&b), 1);
        tear_down(&b);
    }
}

/* The first is over but for its last line, and was never sent: this one is a new one. */
static void test_a_retry_after_the_end_begins_anew(void)
{
    struct bench b;
    struct waiting w, again;
    struct deletion *x;
    set_up(&b);
    x = start(&b, HARD, 1, &w);
    fake_api_set_sent(asked(&b, FAKE_FORCE_DELETE), API_UNSENT);
    deletion_abandon(x);
    CHECK_INT(try_start(&b, HARD, 1, &again, &x), 0);
    settle(&b);
    answer_status(&b, FAKE_FORCE_DELETE, 202);
    check_end(&b, &again, 0,
              "intent force_delete 1\noutcome force_delete 1 failed EINTR 0 0\n"
              "intent force_delete 1\noutcome force_delete 1 done - 202 1\n");
    CHECK_INT(deletes(&b), 2);
    tear_down(&b);
}

int main(void)
{
    test_a_retry_joins();
    test_a_retry_joins_before_anything_was_sent();
    test_another_does_not_join();
    test_a_retry_after_the_end_begins_anew();
    test_gone_once_is_not_gone();
    test_gone_once_at_the_deadline();
    test_archive_that_takes_a_moment();
    test_abandon_while_an_archive_takes_a_moment();
    test_an_old_answer_does_not_undo_an_archive();
    test_an_old_answer_does_not_bring_back_what_is_gone();
    test_a_page_for_a_delete();
    test_a_page_for_an_archive_that_was_carried_out();
    test_a_gateways_404_is_not_gone();
    test_a_running_job_does_not_end_with_a_gateways_404();
    return check_report();
}
