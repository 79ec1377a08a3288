/* What the service answers to a DELETE, and what is made of it. */
#include "deletion_bench.h"
#include "dispatch.h"

#include <sys/stat.h>

#define ARCHIVE REQUEST_ARCHIVE
#define HARD REQUEST_FORCE_DELETE

static void check_end(struct bench *b, const struct waiting *w, int err, const char *want)
{
    CHECK_STR(story(b), want);
    CHECK_INT(w->ended, 1);
    CHECK_INT(w->err, err);
}

static void test_nothing_is_sent_before_the_intent_is_on_the_disk(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(try_start(&b, ARCHIVE, 1, &w, &x), 0);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_UNDER_WAY);
    fake_loop_settle(b.loop);
    CHECK_INT(deletes(&b), 0);
    CHECK(fake_worker_run(b.writer));
    CHECK_INT(deletes(&b), 0);
    CHECK(fake_worker_finish(b.writer));
    CHECK_INT(deletes(&b), 1);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    CHECK_INT(w.ended, 0); /* its outcome is not written yet */
    CHECK_INT(deletions_under_way(b.deletions), 1);
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 200 1\n");
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ARCHIVED);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_IDLE);
    CHECK_INT(connector_of(&b, 1)->pins, 0);
    CHECK_INT(deletions_under_way(b.deletions), 0);
    CHECK_INT(deletions_stats(b.deletions)->archived, 1);
    CHECK_INT(deletes(&b), 1);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    tear_down(&b);
}

static void test_archive_is_believed_once_it_is_seen(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, NULL);
    CHECK_INT(w.ended, 0);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 200 1\n");
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ARCHIVED);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

static void test_archive_is_accepted_and_not_done(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, false, 0));
    for (unsigned n = 0; n <= DISPATCH_DOUBTS_MAX; n++) {
        CHECK_INT(w.ended, 0);
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
        pass(&b, (uint64_t)DISPATCH_DOUBT_MS << n);
    }
    check_end(&b, &w, -EIO, "intent archive 1\noutcome archive 1 unknown EIO 200 1\n");
    CHECK(journal_says(&b, "the service accepted the DELETE, but the connector is not archived"));
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ACTIVE);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_IDLE);
    CHECK_INT(deletes(&b), 1);
    CHECK_INT(deletions_stats(b.deletions)->failed, 1);
    tear_down(&b);
}

static void test_archive_is_accepted_and_gone(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, NULL);
    answer_gone(&b);
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 200 1\n");
    CHECK(!connector_exists(connector_of(&b, 1)));
    tear_down(&b);
}

static void test_archive_is_accepted_and_cannot_be_checked(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, NULL);
    answer_status(&b, FAKE_GET, 503);
    check_end(&b, &w, -EIO, "intent archive 1\noutcome archive 1 unknown EIO 200 1\n");
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0)); /* it is looked at again */
    CHECK_STR(story(&b), "intent archive 1\noutcome archive 1 unknown EIO 200 1\n"
                         "resolved archive 1 archived\n");
    CHECK_INT(w.ended, 1);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

/* Nothing says that nothing was sent: the service accepted it. */
static void test_archive_is_accepted_at_the_deadline(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    fake_loop_advance(b.loop, FAKE_TIMEOUT_S * 1000);
    answer_object(&b, FAKE_ARCHIVE, NULL);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    settle(&b);
    CHECK_INT(w.err, -ETIMEDOUT);
    CHECK(!journal_says(&b, "nothing was sent"));
    CHECK(journal_says(&b, "the service accepted the DELETE, but could not be asked"));
    CHECK(journal_says(&b, "the service said yes to the DELETE"));
    CHECK_STR(story(&b), "intent archive 1\noutcome archive 1 unknown ETIMEDOUT 200 1\n");
    tear_down(&b);
}

/* What is known is why the answer was lost. */
static void test_archive_whose_answer_is_lost_at_the_deadline(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    fake_loop_advance(b.loop, FAKE_TIMEOUT_S * 1000);
    answer_lost(&b, FAKE_ARCHIVE);
    check_end(&b, &w, -EIO, "intent archive 1\noutcome archive 1 unknown EIO 0 1\n");
    tear_down(&b);
}

struct lost_case {
    const char *json; /* what the GET shows; NULL: it answers with the status */
    bool archived;
    long status;
    int err;
    const char *outcome;
};

static void test_archive_whose_answer_is_lost(void)
{
    static const struct lost_case cases[] = {
        {.json = "", .archived = true, .err = 0, .outcome = "done - 0 1\n"},
        {.json = "", .archived = false, .err = -EIO, .outcome = "unknown EIO 0 1\n"},
        {.status = 404, .err = 0, .outcome = "done - 0 1\n"},
        {.status = 500, .err = -EIO, .outcome = "unknown EIO 0 1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct lost_case *c = &cases[i];
        struct bench b;
        struct waiting w;
        char want[128];
        set_up(&b);
        start(&b, ARCHIVE, 1, &w);
        answer_lost(&b, FAKE_ARCHIVE);
        if (c->json != NULL)
            answer_object(&b, FAKE_GET, object_of(&b, 1, c->archived, 0));
        else if (c->status == 404)
            answer_gone(&b);
        else
            answer_status(&b, FAKE_GET, c->status);
        snprintf(want, sizeof want, "intent archive 1\noutcome archive 1 %s", c->outcome);
        check_end(&b, &w, c->err, want);
        CHECK_INT(deletes(&b), 1); /* the client repeats an archive, not this module */
        tear_down(&b);
    }
}

static void test_not_found(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_status(&b, FAKE_ARCHIVE, 404);
    check_end(&b, &w, -ENOENT, "intent archive 1\noutcome archive 1 failed ENOENT 404 1\n");
    CHECK(!connector_exists(connector_of(&b, 1)));
    start(&b, HARD, 2, &w);
    answer_status(&b, FAKE_FORCE_DELETE, 404);
    check_end(&b, &w, -ENOENT,
              "intent archive 1\noutcome archive 1 failed ENOENT 404 1\n"
              "intent force_delete 2\noutcome force_delete 2 failed ENOENT 404 1\n");
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    tear_down(&b);
}

/* The answer before it was lost, so this one tells that the first was carried out. */
static void test_not_found_after_a_lost_answer(void)
{
    struct bench b;
    struct waiting w;
    struct api_result result = {
        .status = 404, .err = -ENOENT, .attempts = 2, .lost = true, .unsure = true};
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    fake_api_answer(asked(&b, FAKE_ARCHIVE), result);
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 404 2\n");
    start(&b, HARD, 2, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 2, false, 0));
    pass(&b, DISPATCH_RESEND_MS);
    answer_status(&b, FAKE_FORCE_DELETE, 404);
    check_end(&b, &w, 0,
              "intent archive 1\noutcome archive 1 done - 404 2\n"
              "intent force_delete 2\noutcome force_delete 2 done - 404 2\n"
              "resolved force_delete 2 gone\n");
    CHECK_INT(deletions_jobs(b.deletions), 0);
    tear_down(&b);
}

static void test_refused(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_status(&b, FAKE_FORCE_DELETE, 403);
    check_end(&b, &w, -EACCES,
              "intent force_delete 1\noutcome force_delete 1 failed EACCES 403 1\n");
    CHECK(connector_exists(connector_of(&b, 1)));
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    pass(&b, 60000);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

static void test_hard_delete_is_accepted(void)
{
    static const long statuses[] = {200, 202, 204};
    for (unsigned i = 0; i < 3; i++) {
        struct bench b;
        struct waiting w;
        char want[128];
        set_up(&b);
        start(&b, HARD, 1, &w);
        fake_api_answer(asked(&b, FAKE_FORCE_DELETE), (struct api_result){.status = statuses[i]});
        CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
        snprintf(want, sizeof want, "intent force_delete 1\noutcome force_delete 1 done - %ld 1\n",
                 statuses[i]);
        check_end(&b, &w, 0, want);
        CHECK_INT(deletions_jobs(b.deletions), 1);
        CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
        CHECK_INT(deletions_stats(b.deletions)->accepted, 1);
        tear_down(&b);
    }
}

static void test_hard_delete_is_sent_again_only_when_a_get_shows_it(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    for (unsigned n = 0; n < DISPATCH_RESENDS_MAX; n++) {
        answer_lost(&b, FAKE_FORCE_DELETE);
        pass(&b, 5000);
        CHECK_INT(deletes(&b), n + 1); /* the GET is not answered yet */
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
        pass(&b, ((uint64_t)DISPATCH_RESEND_MS << n) - 1);
        CHECK_INT(deletes(&b), n + 1);
        pass(&b, 1);
        CHECK_INT(deletes(&b), n + 2);
    }
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_end(&b, &w, -EIO, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 4\n");
    pass(&b, 60000);
    CHECK_INT(deletes(&b), DISPATCH_RESENDS_MAX + 1);
    tear_down(&b);
}

static void test_hard_delete_is_not_sent_again_after_a_get_that_fails(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_status(&b, FAKE_GET, 500);
    check_end(&b, &w, -EIO, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    pass(&b, 60000);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

static void test_hard_delete_whose_answer_is_lost_is_gone(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_gone(&b);
    check_end(&b, &w, 0,
              "intent force_delete 1\noutcome force_delete 1 done - 0 1\n"
              "resolved force_delete 1 gone\n");
    CHECK(!connector_exists(connector_of(&b, 1)));
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

static void test_hard_delete_is_never_sent_again_at_the_deadline(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    fake_loop_advance(b.loop, FAKE_TIMEOUT_S * 1000 - DISPATCH_RESEND_MS);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_end(&b, &w, -EIO, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    pass(&b, 60000);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

/* The loop was late: the time to send it again had come and gone. */
static void test_hard_delete_is_never_sent_again_after_the_deadline(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    fake_loop_jump(b.loop, FAKE_TIMEOUT_S * 1000);
    check_end(&b, &w, -EIO, "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n");
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

/* The first may still run, so the refusal of the second is not the whole truth. */
static void test_refused_after_a_lost_answer(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    pass(&b, DISPATCH_RESEND_MS);
    answer_status(&b, FAKE_FORCE_DELETE, 403);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_end(&b, &w, -EACCES,
              "intent force_delete 1\noutcome force_delete 1 unknown EACCES 403 2\n");
    pass(&b, 60000);
    CHECK_INT(deletes(&b), 2);
    tear_down(&b);
}

static void test_intent_that_cannot_be_written(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(unlink(b.path), 0);
    CHECK_INT(mkdir(b.path, 0700), 0); /* no log can be made there again */
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    check_end(&b, &w, -EIO, "");
    CHECK_INT(deletes(&b), 0);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_IDLE);
    CHECK_INT(rmdir(b.path), 0);
    tear_down(&b);
}

static void test_intent_that_takes_too_long(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    fake_loop_advance(b.loop, FAKE_TIMEOUT_S * 1000 - 1);
    CHECK_INT(w.ended, 0);
    fake_loop_advance(b.loop, 1); /* the disk has not answered yet */
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EIO);
    CHECK(journal_says(&b, "the audit log took too long, nothing was sent"));
    CHECK_INT(deletions_under_way(b.deletions), 1);
    check_end(&b, &w, -EIO, "intent force_delete 1\noutcome force_delete 1 failed EIO 0 0\n");
    CHECK_INT(deletes(&b), 0);
    tear_down(&b);
}

/* Who waited need not wait for the record of what is done; that is made when the disk is back. */
static void test_outcome_that_takes_too_long(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    fake_loop_advance(b.loop, FAKE_TIMEOUT_S * 1000 - 500);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    fake_loop_advance(b.loop, DELETION_PATIENCE_MS - 1);
    CHECK_INT(w.ended, 0);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, 0);
    CHECK(journal_says(&b, "what became of it will be recorded when it does"));
    check_end(&b, &w, 0, "intent archive 1\noutcome archive 1 done - 200 1\n");
    tear_down(&b);
}

/* Whatever has no memory: nothing is claimed to have been sent that was not. */
static void test_no_memory_to_send(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    add_connector(&b, 1);
    fake_api_refuse(b.api, 1);
    start(&b, ARCHIVE, 1, &w);
    check_end(&b, &w, -ENOMEM, "intent archive 1\noutcome archive 1 failed ENOMEM 0 0\n");
    CHECK(journal_says(&b, "no memory, nothing was sent"));
    CHECK_INT(deletes(&b), 0);
    tear_down(&b);
}

static void test_no_memory_to_send_again(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    answer_lost(&b, FAKE_FORCE_DELETE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    fake_api_refuse(b.api, 1);
    pass(&b, DISPATCH_RESEND_MS);
    check_end(&b, &w, -ENOMEM,
              "intent force_delete 1\noutcome force_delete 1 unknown ENOMEM 0 1\n");
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

int main(void)
{
    test_nothing_is_sent_before_the_intent_is_on_the_disk();
    test_archive_is_believed_once_it_is_seen();
    test_archive_is_accepted_and_not_done();
    test_archive_is_accepted_and_gone();
    test_archive_is_accepted_and_cannot_be_checked();
    test_archive_is_accepted_at_the_deadline();
    test_archive_whose_answer_is_lost_at_the_deadline();
    test_archive_whose_answer_is_lost();
    test_not_found();
    test_not_found_after_a_lost_answer();
    test_refused();
    test_hard_delete_is_accepted();
    test_hard_delete_is_sent_again_only_when_a_get_shows_it();
    test_hard_delete_is_not_sent_again_after_a_get_that_fails();
    test_hard_delete_whose_answer_is_lost_is_gone();
    test_hard_delete_is_never_sent_again_at_the_deadline();
    test_hard_delete_is_never_sent_again_after_the_deadline();
    test_refused_after_a_lost_answer();
    test_intent_that_cannot_be_written();
    test_intent_that_takes_too_long();
    test_outcome_that_takes_too_long();
    test_no_memory_to_send();
    test_no_memory_to_send_again();
    return check_report();
}
