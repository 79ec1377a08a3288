/* Who asked goes away, or the program ends, at each point of a deletion. */
#include "deletion_bench.h"
#include "dispatch.h"

#define ARCHIVE REQUEST_ARCHIVE
#define HARD REQUEST_FORCE_DELETE

/* Nobody was told, and the audit log says so. */
static void check_abandoned(struct bench *b, const struct waiting *w, unsigned sent,
                            const char *want)
{
    CHECK_STR(story(b), want);
    CHECK_INT(w->ended, 0);
    CHECK_INT(deletes(b), sent);
    CHECK_INT(deletions_under_way(b->deletions), 0);
    pass(b, 60000);
    CHECK_INT(deletes(b), sent);
}

static void test_abandon_before_the_intent_is_written(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    CHECK(fake_worker_run(b.writer));
    deletion_abandon(x);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_UNDER_WAY);
    check_abandoned(&b, &w, 0, "intent force_delete 1\noutcome force_delete 1 failed EINTR 0 0\n");
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_IDLE);
    tear_down(&b);
}

static void test_abandon_while_it_waits_for_a_connection(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, HARD, 1, &w);
    fake_api_set_sent(asked(&b, FAKE_FORCE_DELETE), API_UNSENT);
    deletion_abandon(x);
    CHECK_INT(fake_api_waiting(b.api), 0);
    check_abandoned(&b, &w, 1, "intent force_delete 1\noutcome force_delete 1 failed EINTR 0 0\n");
    tear_down(&b);
}

static void test_abandon_in_flight_then_answered(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, ARCHIVE, 1, &w);
    deletion_abandon(x);
    CHECK(fake_api_sends_no_more(asked(&b, FAKE_ARCHIVE)));
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    check_abandoned(&b, &w, 1, "intent archive 1\noutcome archive 1 done - 200 1\n");
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ARCHIVED);
    tear_down(&b);
}

static void test_abandon_in_flight_then_lost(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, HARD, 1, &w);
    deletion_abandon(x);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_abandoned(&b, &w, 1, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    tear_down(&b);
}

static void test_abandon_in_flight_then_accepted(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, HARD, 1, &w);
    deletion_abandon(x);
    answer_status(&b, FAKE_FORCE_DELETE, 202);
    CHECK_STR(story(&b), "intent force_delete 1\noutcome force_delete 1 done - 202 1\n");
    CHECK_INT(deletions_jobs(b.deletions), 1);
    CHECK_INT(w.ended, 0);
    tear_down(&b);
}

/* An archive that the client is about to repeat: the first may have been carried out. */
static void test_abandon_between_two_attempts_of_an_archive(void)
{
    for (unsigned archived = 0; archived < 2; archived++) {
        struct bench b;
        struct waiting w;
        set_up(&b);
        struct deletion *x = start(&b, ARCHIVE, 1, &w);
        fake_api_set_sent(asked(&b, FAKE_ARCHIVE), API_LOST);
        deletion_abandon(x);
        CHECK(fake_api_find(b.api, FAKE_ARCHIVE, NULL) == NULL);
        answer_object(&b, FAKE_GET, object_of(&b, 1, archived, 0));
        check_abandoned(&b, &w, 1,
                        archived ? "intent archive 1\noutcome archive 1 done - 0 1\n"
                                 : "intent archive 1\noutcome archive 1 unknown EINTR 0 1\n");
        tear_down(&b);
    }
}

static void test_abandon_while_it_waits_to_be_sent_again(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    pass(&b, DISPATCH_RESEND_MS - 1);
    deletion_abandon(x);
    pass(&b, 1000);
    CHECK_INT(deletes(&b), 1);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_abandoned(&b, &w, 1, "intent force_delete 1\noutcome force_delete 1 unknown EINTR 0 1\n");
    tear_down(&b);
}

/* Sent again, and this one has no connection yet: the first one still counts. */
static void test_abandon_while_the_second_waits_for_a_connection(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    pass(&b, DISPATCH_RESEND_MS);
    fake_api_set_sent(asked(&b, FAKE_FORCE_DELETE), API_UNSENT);
    deletion_abandon(x);
    answer_gone(&b);
    check_abandoned(&b, &w, 2,
                    "intent force_delete 1\noutcome force_delete 1 done - 0 1\n"
                    "resolved force_delete 1 gone\n");
    tear_down(&b);
}

static void test_abandon_while_it_is_checked(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    deletion_abandon(x);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_abandoned(&b, &w, 1, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    tear_down(&b);
}

static void test_abandon_while_the_outcome_is_written(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    struct deletion *x = start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    CHECK(fake_worker_run(b.writer));
    deletion_abandon(x);
    check_abandoned(&b, &w, 1, "intent archive 1\noutcome archive 1 done - 200 1\n");
    tear_down(&b);
}

/* The program ends: nothing is sent any more, and the outcome is told. */
static void check_stopped(struct bench *b, const struct waiting *w, unsigned sent, int err,
                          const char *want)
{
    unsigned gets = fake_api_count(b->api, FAKE_GET);
    struct waiting refused;
    struct deletion *x;
    deletions_stop(b->deletions);
    CHECK_STR(story(b), want);
    CHECK_INT(w->ended, 1);
    CHECK_INT(w->err, err);
    CHECK_INT(deletions_under_way(b->deletions), 0);
    CHECK_INT(try_start(b, HARD, 1, &refused, &x), -EIO);
    pass(b, 60000);
    CHECK_INT(deletes(b), sent);
    CHECK_INT(fake_api_count(b->api, FAKE_GET), gets); /* the next mount looks */
    CHECK_STR(story(b), want);
}

static void test_stop_before_the_intent_is_written(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    check_stopped(&b, &w, 0, -EIO,
                  "intent force_delete 1\noutcome force_delete 1 failed EIO 0 0\n");
    tear_down(&b);
}

static void test_stop_while_it_waits_for_a_connection(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    fake_api_set_sent(asked(&b, FAKE_FORCE_DELETE), API_UNSENT);
    check_stopped(&b, &w, 1, -EIO,
                  "intent force_delete 1\noutcome force_delete 1 failed EIO 0 0\n");
    tear_down(&b);
}

static void test_stop_in_flight(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    check_stopped(&b, &w, 1, -EIO, "intent archive 1\noutcome archive 1 unknown EIO 0 1\n");
    tear_down(&b);
}

static void test_stop_while_it_waits_to_be_sent_again(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_stopped(&b, &w, 1, -EIO,
                  "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    tear_down(&b);
}

static void test_stop_while_it_is_checked(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, NULL);
    check_stopped(&b, &w, 1, -EIO, "intent archive 1\noutcome archive 1 unknown EIO 200 1\n");
    tear_down(&b);
}

static void test_stop_while_the_outcome_is_written(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    check_stopped(&b, &w, 1, 0, "intent archive 1\noutcome archive 1 done - 200 1\n");
    tear_down(&b);
}

static void test_close_begins_no_other(void)
{
    struct bench b;
    struct waiting early, w, refused;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 3);
    start(&b, HARD, 1, &early);
    add_connector(&b, 2);
    CHECK_INT(try_start(&b, ARCHIVE, 2, &w, &x), 0);
    deletions_close(b.deletions);
    CHECK_INT(try_start(&b, ARCHIVE, 3, &refused, &x), -EIO);
    settle(&b); /* the second had its intent on the way */
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 2, true, 0));
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    pass(&b, DISPATCH_RESEND_MS);
    answer_status(&b, FAKE_FORCE_DELETE, 202);
    CHECK_STR(story(&b), "intent force_delete 1\nintent archive 2\n"
                         "outcome archive 2 done - 200 1\noutcome force_delete 1 done - 202 2\n");
    CHECK_INT(early.ended + w.ended, 2);
    CHECK_INT(refused.ended, 0);
    CHECK_INT(deletes(&b), 3);
    tear_down(&b);
}

int main(void)
{
    test_abandon_before_the_intent_is_written();
    test_abandon_while_it_waits_for_a_connection();
    test_abandon_in_flight_then_answered();
    test_abandon_in_flight_then_lost();
    test_abandon_in_flight_then_accepted();
    test_abandon_between_two_attempts_of_an_archive();
    test_abandon_while_it_waits_to_be_sent_again();
    test_abandon_while_the_second_waits_for_a_connection();
    test_abandon_while_it_is_checked();
    test_abandon_while_the_outcome_is_written();
    test_stop_before_the_intent_is_written();
    test_stop_while_it_waits_for_a_connection();
    test_stop_in_flight();
    test_stop_while_it_waits_to_be_sent_again();
    test_stop_while_it_is_checked();
    test_stop_while_the_outcome_is_written();
    test_close_begins_no_other();
    return check_report();
}
