/* What became of a deletion whose outcome is unknown, in this run or in an earlier one. */
#include "deletion_bench.h"
#include "follow.h"

#define ARCHIVE REQUEST_ARCHIVE
#define HARD REQUEST_FORCE_DELETE
#define UNKNOWN_ARCHIVE "intent archive 1\noutcome archive 1 unknown EIO 0 1\n"
#define UNKNOWN_HARD "intent force_delete 1\noutcome force_delete 1 unknown EIO 0 1\n"

enum { LOOKS = 5, AT_ONCE = 16 };

/* A deletion whose answer was lost, and a GET after it that failed. */
static void set_up_unknown(struct bench *b, enum request_op op)
{
    struct waiting w;
    set_up(b);
    start(b, op, 1, &w);
    answer_lost(b, op == ARCHIVE ? FAKE_ARCHIVE : FAKE_FORCE_DELETE);
    answer_status(b, FAKE_GET, 503);
    CHECK_STR(story(b), op == ARCHIVE ? UNKNOWN_ARCHIVE : UNKNOWN_HARD);
    CHECK_INT(w.ended, 1);
}

static void check_settled(struct bench *b, const char *want)
{
    CHECK_STR(story(b), want);
    unsigned gets = fake_api_count(b->api, FAKE_GET);
    pass(b, 600000);
    CHECK_INT(fake_api_count(b->api, FAKE_GET), gets);
    CHECK_STR(story(b), want);
    CHECK_INT(deletes(b), 1);
}

static void test_archive(void)
{
    struct bench b;
    set_up_unknown(&b, ARCHIVE);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    check_settled(&b, UNKNOWN_ARCHIVE "resolved archive 1 archived\n");
    tear_down(&b);
    set_up_unknown(&b, ARCHIVE);
    answer_gone(&b);
    check_settled(&b, UNKNOWN_ARCHIVE "resolved archive 1 gone\n");
    tear_down(&b);
}

/* A deletion may be running although its answer was lost: one look does not tell. */
static void check_still_there(enum request_op op, const char *unknown, const char *resolved)
{
    struct bench b;
    uint64_t delay = FOLLOW_FIRST_MS;
    char want[256];
    set_up_unknown(&b, op);
    for (unsigned look = 1; look < LOOKS; look++) {
        unsigned step = op == HARD ? 0 : look; /* a change tells nothing of an archive */
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, step));
        pass(&b, delay - 1);
        CHECK_INT(fake_api_waiting(b.api), 0);
        pass(&b, 1);
        delay *= 2;
        CHECK_STR(story(&b), unknown);
    }
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    snprintf(want, sizeof want, "%s%s", unknown, resolved);
    check_settled(&b, want);
    tear_down(&b);
}

/* An archive that the service carries out after its 504, or a while after its 202. */
static void test_archive_that_is_late(void)
{
    struct bench b;
    set_up_unknown(&b, ARCHIVE);
    for (unsigned look = 1; look < LOOKS; look++) {
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, look));
        pass(&b, FOLLOW_SLOWEST_MS);
        CHECK_STR(story(&b), UNKNOWN_ARCHIVE);
    }
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    check_settled(&b, UNKNOWN_ARCHIVE "resolved archive 1 archived\n");
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ARCHIVED);
    tear_down(&b);
}

/* Asked, and then learned of by other means: the old answer is no look. */
static void test_an_old_answer(void)
{
    struct bench b;
    set_up_unknown(&b, ARCHIVE);
    add_connector(&b, 1);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ACTIVE);
    CHECK_STR(story(&b), UNKNOWN_ARCHIVE);
    pass(&b, FOLLOW_FIRST_MS);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    check_settled(&b, UNKNOWN_ARCHIVE "resolved archive 1 archived\n");
    tear_down(&b);
}

/* One "gone" of a replica that lags is not the end. */
static void test_gone_and_back_again(void)
{
    struct bench b;
    set_up_unknown(&b, HARD);
    for (unsigned n = 0; n < 3; n++) {
        answer_status(&b, FAKE_GET, 404);
        pass(&b, API_GONE_AGAIN_MS - 1);
        CHECK_INT(fake_api_waiting(b.api), 0);
        pass(&b, 1);
        CHECK(connector_exists(connector_of(&b, 1)));
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, n));
        pass(&b, FOLLOW_SLOWEST_MS);
    }
    CHECK_STR(story(&b), UNKNOWN_HARD);
    answer_gone(&b);
    check_settled(&b, UNKNOWN_HARD "resolved force_delete 1 gone\n");
    tear_down(&b);
}

static void test_hard_delete_that_moves_then_ends(void)
{
    struct bench b;
    set_up_unknown(&b, HARD);
    for (unsigned step = 0; step < 3 * LOOKS; step++) {
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, step));
        pass(&b, step == 0 ? FOLLOW_FIRST_MS : 2 * FOLLOW_FIRST_MS);
        CHECK_STR(story(&b), UNKNOWN_HARD);
    }
    answer_gone(&b);
    check_settled(&b, UNKNOWN_HARD "resolved force_delete 1 gone\n");
    CHECK(!connector_exists(connector_of(&b, 1)));
    tear_down(&b);
}

/* Only an answer tells that nothing moves. */
static void test_looks_that_fail_are_none(void)
{
    struct bench b;
    set_up_unknown(&b, HARD);
    for (unsigned n = 0; n < 4 * LOOKS; n++) {
        answer_status(&b, FAKE_GET, 503);
        pass(&b, FOLLOW_SLOWEST_MS);
    }
    for (unsigned n = 1; n < LOOKS; n++) {
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
        pass(&b, FOLLOW_SLOWEST_MS - 1); /* the first sight is no change */
        CHECK_INT(fake_api_waiting(b.api), 0);
        pass(&b, 1);
        CHECK_STR(story(&b), UNKNOWN_HARD);
    }
    fake_api_answer_failure(asked(&b, FAKE_GET), FAILURE_TIMEOUT, false);
    pass(&b, FOLLOW_SLOWEST_MS);
    CHECK_STR(story(&b), UNKNOWN_HARD);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    check_settled(&b, UNKNOWN_HARD "resolved force_delete 1 still there\n");
    tear_down(&b);
}

static void test_a_look_that_cannot_be_sent_is_made_later(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_lost(&b, FAKE_ARCHIVE);
    answer_status(&b, FAKE_GET, 503);
    fake_api_refuse(b.api, 1);
    CHECK_STR(story(&b), UNKNOWN_ARCHIVE);
    CHECK_INT(fake_api_waiting(b.api), 0);
    pass(&b, FOLLOW_FIRST_MS);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    check_settled(&b, UNKNOWN_ARCHIVE "resolved archive 1 archived\n");
    tear_down(&b);
}

/* The program ended before the answer came, and the next run does not know the connector. */
static void test_restart_in_flight(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    restart(&b);
    deletions_recover(b.deletions);
    settle(&b);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 0));
    CHECK_STR(story(&b), "intent archive 1\nresolved archive 1 archived\n");
    CHECK_INT(deletes(&b), 0);
    restart(&b);
    deletions_recover(b.deletions);
    pass(&b, 60000);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    tear_down(&b);
}

static void test_restart_after_an_unknown_outcome(void)
{
    struct bench b;
    set_up_unknown(&b, HARD);
    restart(&b);
    add_connector(&b, 1);
    deletions_recover(b.deletions);
    settle(&b);
    answer_gone(&b);
    CHECK_STR(story(&b), UNKNOWN_HARD "resolved force_delete 1 gone\n");
    CHECK_INT(deletes(&b), 0);
    tear_down(&b);
}

static void accept_and_restart(struct bench *b)
{
    struct waiting w;
    set_up(b);
    start(b, HARD, 1, &w);
    answer_object(b, FAKE_FORCE_DELETE, NULL);
    settle(b);
    restart(b);
}

/* It is in no list yet: the service is asked, and then it is followed. */
static void test_restart_of_an_accepted_one_that_is_not_known(void)
{
    struct bench b;
    accept_and_restart(&b);
    deletions_recover(b.deletions);
    settle(&b);
    CHECK_INT(deletions_jobs(b.deletions), 0);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 3));
    settle(&b);
    CHECK_INT(deletions_jobs(b.deletions), 1);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
    pass(&b, FOLLOW_FIRST_MS);
    answer_gone(&b);
    CHECK_STR(story(&b), "intent force_delete 1\noutcome force_delete 1 done - 200 1\n"
                         "resolved force_delete 1 gone\n");
    CHECK_INT(deletes(&b), 0);
    tear_down(&b);
}

/* A second deletion was asked for before the first is followed again: one at a time. */
static void test_restart_of_an_accepted_one_that_is_deleted_meanwhile(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    accept_and_restart(&b);
    deletions_recover(b.deletions);
    settle(&b);
    add_connector(&b, 1);
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    settle(&b);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 3));
    settle(&b);
    CHECK_INT(deletions_jobs(b.deletions), 0);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_UNDER_WAY);
    answer_object(&b, FAKE_FORCE_DELETE, NULL);
    settle(&b);
    CHECK_INT(deletions_jobs(b.deletions), 1);
    pass(&b, FOLLOW_FIRST_MS);
    while (fake_api_find(b.api, FAKE_GET, NULL) != NULL)
        answer_gone(&b);
    pass(&b, FOLLOW_SLOWEST_MS);
    CHECK_INT(deletions_jobs(b.deletions), 0);
    CHECK(!connector_exists(connector_of(&b, 1)));
    CHECK_INT(connector_of(&b, 1)->pins, 0);
    restart(&b);
    deletions_recover(b.deletions);
    pass(&b, 60000);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0); /* both have their end */
    tear_down(&b);
}

/* Nobody is left to be told of the answer. */
static void test_the_end_of_the_deletions_while_one_is_looked_at(void)
{
    struct bench b;
    set_up_unknown(&b, ARCHIVE);
    bulks_free(b.bulks);
    deletions_free(b.deletions);
    b.bulks = NULL;
    b.deletions = NULL;
    CHECK_INT(fake_api_waiting(b.api), 0);
    CHECK_STR(story(&b), UNKNOWN_ARCHIVE);
    tear_down(&b);
}

static unsigned gets_waiting(struct bench *b)
{
    return fake_api_waiting(b->api);
}

static void test_many_at_once(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    for (unsigned i = 1; i <= 2 * AT_ONCE + 3; i++)
        start(&b, i % 2 == 0 ? ARCHIVE : HARD, i, &w);
    restart(&b);
    deletions_recover(b.deletions);
    settle(&b);
    CHECK_INT(gets_waiting(&b), AT_ONCE);
    for (unsigned i = 1; i <= 2 * AT_ONCE + 3; i++) {
        unsigned left = 2 * AT_ONCE + 3 - (i - 1);
        CHECK_INT(gets_waiting(&b), left < AT_ONCE ? left : AT_ONCE);
        answer_gone(&b);
        settle(&b);
    }
    CHECK_INT(gets_waiting(&b), 0);
    CHECK(strstr(story(&b), "resolved force_delete 35 gone\n") != NULL);
    tear_down(&b);
}

/* Those of this run come first when they are as many: the rest is taken up when these have ended.
 */
static void test_those_of_an_earlier_run_are_not_forgotten(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    for (unsigned i = 1; i <= AT_ONCE + 1; i++)
        start(&b, ARCHIVE, i, &w);
    restart(&b);
    deletions_recover(b.deletions);
    settle(&b);
    for (unsigned i = 101; i <= 100 + AT_ONCE; i++) {
        start(&b, ARCHIVE, i, &w);
        answer_lost(&b, FAKE_ARCHIVE);
        fake_api_answer_status(fake_api_find(b.api, FAKE_GET, connector_of(&b, i)->id), 503);
        settle(&b);
    }
    CHECK_INT(gets_waiting(&b), 2 * AT_ONCE);
    for (unsigned i = 0; i < 2 * AT_ONCE; i++)
        answer_gone(&b);
    settle(&b);
    CHECK_INT(gets_waiting(&b), 1);
    answer_gone(&b);
    CHECK(strstr(story(&b), "resolved archive 17 gone\n") != NULL);
    tear_down(&b);
}

static void left_open(struct bench *b, unsigned count)
{
    struct waiting w;
    set_up(b);
    for (unsigned i = 1; i <= count; i++)
        start(b, ARCHIVE, i, &w);
    restart(b);
    deletions_recover(b->deletions);
    settle(b);
}

/* The oldest GET is answered: its connector is archived. */
static void answer_archived(struct bench *b)
{
    struct api_op *op = asked(b, FAKE_GET);
    unsigned number = (unsigned)strtoul(strrchr(fake_api_id(op), '-') + 1, NULL, 10);
    fake_api_answer_object(op, object_of(b, number, true, 0));
}

/* Those that cannot be asked for go to the back, and their pause grows. */
static void test_looks_that_fail_starve_no_other(void)
{
    struct bench b;
    left_open(&b, AT_ONCE + 1);
    for (unsigned i = 1; i <= AT_ONCE; i++)
        answer_status(&b, FAKE_GET, 503);
    settle(&b);
    CHECK_INT(gets_waiting(&b), 1);
    answer_archived(&b);
    CHECK(strstr(story(&b), "resolved archive 17 archived\n") != NULL);
    unsigned before = fake_api_count(b.api, FAKE_GET);
    for (uint64_t pause = FOLLOW_FIRST_MS; pause < 20 * FOLLOW_FIRST_MS; pause *= 2) {
        pass(&b, pause - 1);
        CHECK_INT(fake_api_count(b.api, FAKE_GET), before);
        pass(&b, 1);
        CHECK_INT(gets_waiting(&b), AT_ONCE);
        for (unsigned i = 0; i < AT_ONCE; i++)
            answer_status(&b, FAKE_GET, 503);
        before += AT_ONCE;
    }
    tear_down(&b);
}

/* A refusal concerns all: the round ends, and the next ones are of one look each. */
static void test_a_refusal_ends_the_round(void)
{
    struct bench b;
    left_open(&b, 3 * AT_ONCE);
    for (unsigned i = 0; i < AT_ONCE; i++)
        answer_status(&b, FAKE_GET, i % 2 == 0 ? 403 : 401);
    settle(&b);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), AT_ONCE);
    unsigned looks = AT_ONCE;
    for (uint64_t pause = FOLLOW_FIRST_MS; pause < 20 * FOLLOW_FIRST_MS; pause *= 2) {
        pass(&b, pause - 1);
        CHECK_INT(fake_api_count(b.api, FAKE_GET), looks);
        pass(&b, 1);
        CHECK_INT(fake_api_count(b.api, FAKE_GET), ++looks);
        answer_status(&b, FAKE_GET, 403);
    }
    pass(&b, 32 * FOLLOW_FIRST_MS);
    answer_archived(&b); /* the key has its rights again */
    settle(&b);
    CHECK_INT(gets_waiting(&b), AT_ONCE);
    tear_down(&b);
}

int main(void)
{
    test_looks_that_fail_starve_no_other();
    test_a_refusal_ends_the_round();
    test_archive();
    check_still_there(HARD, UNKNOWN_HARD, "resolved force_delete 1 still there\n");
    check_still_there(ARCHIVE, UNKNOWN_ARCHIVE, "resolved archive 1 still there\n");
    test_archive_that_is_late();
    test_an_old_answer();
    test_gone_and_back_again();
    test_hard_delete_that_moves_then_ends();
    test_looks_that_fail_are_none();
    test_a_look_that_cannot_be_sent_is_made_later();
    test_restart_in_flight();
    test_restart_after_an_unknown_outcome();
    test_restart_of_an_accepted_one_that_is_not_known();
    test_restart_of_an_accepted_one_that_is_deleted_meanwhile();
    test_the_end_of_the_deletions_while_one_is_looked_at();
    test_many_at_once();
    test_those_of_an_earlier_run_are_not_forgotten();
    return check_report();
}
