/* A hard delete that was accepted is followed until the connector is gone. */
#include "deletion_bench.h"
#include "follow.h"

#define HARD REQUEST_FORCE_DELETE
#define ACCEPTED "intent force_delete 1\noutcome force_delete 1 done - 202 1\n"

static void set_up_followed(struct bench *b)
{
    struct waiting w;
    set_up(b);
    start(b, HARD, 1, &w);
    fake_api_answer(asked(b, FAKE_FORCE_DELETE), (struct api_result){.status = 202});
    CHECK_STR(story(b), ACCEPTED);
    CHECK_INT(deletions_jobs(b->deletions), 1);
}

static void render(struct bench *b, const char *want)
{
    struct buf text;
    buf_init(&text, 4096);
    CHECK_INT(deletions_render(b->deletions, &text), 0);
    CHECK_STR(text.data, want);
    buf_free(&text);
}

static void test_gone(void)
{
    struct bench b;
    set_up_followed(&b);
    pass(&b, FOLLOW_FIRST_MS - 1);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    pass(&b, 1);
    CHECK(connector_exists(connector_of(&b, 1))); /* until the service says otherwise */
    answer_gone(&b);
    CHECK_STR(story(&b), ACCEPTED "resolved force_delete 1 gone\n");
    CHECK(!connector_exists(connector_of(&b, 1)));
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_IDLE);
    CHECK_INT(connector_of(&b, 1)->pins, 0);
    CHECK_INT(deletions_jobs(b.deletions), 0);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

/* One 404, and then it is there again: a replica lagged. A look that fails in between says nothing.
 */
static void test_gone_and_back_again(void)
{
    struct bench b;
    set_up_followed(&b);
    for (unsigned n = 0; n < 3; n++) {
        pass(&b, FOLLOW_SLOWEST_MS);
        answer_status(&b, FAKE_GET, 404);
        pass(&b, API_GONE_AGAIN_MS - 1);
        CHECK_INT(fake_api_waiting(b.api), 0);
        pass(&b, 1);
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, n));
        CHECK(connector_exists(connector_of(&b, 1)));
        CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
    }
    pass(&b, FOLLOW_SLOWEST_MS);
    answer_status(&b, FAKE_GET, 404);
    pass(&b, API_GONE_AGAIN_MS);
    answer_status(&b, FAKE_GET, 503);
    CHECK_STR(story(&b), ACCEPTED);
    pass(&b, FOLLOW_SLOWEST_MS);
    answer_status(&b, FAKE_GET, 404);
    CHECK_STR(story(&b), ACCEPTED "resolved force_delete 1 gone\n");
    tear_down(&b);
}

/* An answer that is older than what was learned meanwhile says nothing. */
static void test_an_old_answer(void)
{
    struct bench b;
    set_up_followed(&b);
    pass(&b, FOLLOW_FIRST_MS);
    add_connector(&b, 1);
    answer_object(&b, FAKE_GET, object_of(&b, 1, true, 9));
    CHECK_INT(connector_of(&b, 1)->place, PLACE_ACTIVE);
    pass(&b, FOLLOW_SLOWEST_MS);
    answer_gone(&b);
    CHECK_STR(story(&b), ACCEPTED "resolved force_delete 1 gone\n");
    tear_down(&b);
}

/* The intervals grow by half, up to FOLLOW_SLOWEST_MS. */
static void test_progress(void)
{
    struct bench b;
    uint64_t delay = FOLLOW_FIRST_MS;
    set_up_followed(&b);
    for (unsigned step = 1; step <= 20; step++) {
        pass(&b, delay - 1);
        CHECK_INT(fake_api_waiting(b.api), 0);
        pass(&b, 1);
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, step));
        CHECK(strstr(connector_of(&b, 1)->snapshot->text, strstr(b.object, "step")) != NULL);
        CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
        delay = delay + delay / 2 > FOLLOW_SLOWEST_MS ? FOLLOW_SLOWEST_MS : delay + delay / 2;
    }
    CHECK_INT(delay, FOLLOW_SLOWEST_MS);
    render(&b, "{\"id\":\"019a9612-bfad-758c-884e-000000000001\",\"label\":\"\",\"operation\":"
               "\"hard delete\","
               "\"state\":\"deleting\",\"seconds_since_progress\":0}\n");
    CHECK_STR(story(&b), ACCEPTED);
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

/* Asks again and again with the same answer, until it is stalled; how long that took. */
static uint64_t pass_until_stalled(struct bench *b, bool answers)
{
    uint64_t start = loop_now(b->loop);
    while (connector_of(b, 1)->progress != PROGRESS_STALLED &&
           loop_now(b->loop) - start < 2 * FOLLOW_STALLED_MS) {
        struct api_op *op = fake_api_find(b->api, FAKE_GET, NULL);
        if (op == NULL)
            pass(b, 500);
        else if (answers)
            fake_api_answer_object(op, object_of(b, 1, false, 7));
        else
            fake_api_answer_status(op, 503);
    }
    return loop_now(b->loop) - start;
}

static void test_stalled(void)
{
    for (unsigned answers = 0; answers < 2; answers++) {
        struct bench b;
        set_up_followed(&b);
        uint64_t ms = pass_until_stalled(&b, answers);
        CHECK(ms >= FOLLOW_STALLED_MS && ms <= FOLLOW_STALLED_MS + 2 * FOLLOW_SLOWEST_MS);
        CHECK_INT(deletions_jobs(b.deletions), 1);
        pass(&b, FOLLOW_SLOWEST_MS);
        answer_object(&b, FAKE_GET, object_of(&b, 1, false, 8)); /* it moves after all */
        CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
        pass(&b, FOLLOW_SLOWEST_MS);
        answer_gone(&b);
        CHECK_STR(story(&b), ACCEPTED "resolved force_delete 1 gone\n");
        CHECK_INT(deletes(&b), 1);
        tear_down(&b);
    }
}

static void set_up_stalled(struct bench *b)
{
    set_up_followed(b);
    pass_until_stalled(b, true);
    pass(b, FOLLOW_SLOWEST_MS - 1); /* a look may be under way */
    CHECK_INT(connector_of(b, 1)->progress, PROGRESS_STALLED);
}

/* Asks again, and lets the intent be written: what is asked first is whether it is still there. */
static struct deletion *start_again(struct bench *b, struct waiting *w)
{
    struct waiting other;
    struct deletion *x = NULL, *refused;
    CHECK_INT(try_start(b, HARD, 1, w, &x), 0);
    CHECK_INT(try_start(b, HARD, 1, &other, &refused), -EBUSY);
    CHECK_INT(try_start(b, REQUEST_ARCHIVE, 1, &other, &refused), -EBUSY);
    settle(b);
    CHECK_INT(deletes(b), 1);
    CHECK_INT(fake_api_waiting(b->api), 1);
    CHECK_INT(connector_of(b, 1)->progress, PROGRESS_STALLED);
    CHECK_STR(story(b), ACCEPTED "intent force_delete 1\n");
    return x;
}

static void test_lost_and_sent_again(void)
{
    struct bench b;
    struct waiting w;
    set_up_stalled(&b);
    start_again(&b, &w);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 7));
    CHECK_INT(deletes(&b), 2);
    answer_status(&b, FAKE_FORCE_DELETE, 202);
    CHECK_STR(story(&b), ACCEPTED "intent force_delete 1\nresolved force_delete 1 still there\n"
                                  "outcome force_delete 1 done - 202 1\n");
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, 0);
    CHECK_INT(deletions_jobs(b.deletions), 1);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
    pass(&b, FOLLOW_FIRST_MS);
    answer_gone(&b);
    CHECK_INT(deletions_jobs(b.deletions), 0);
    CHECK_INT(connector_of(&b, 1)->pins, 0);
    restart(&b);
    deletions_recover(b.deletions);
    pass(&b, 60000);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0); /* both have their end */
    tear_down(&b);
}

/* The look before it fails, or the connector is gone after all: nothing is sent. */
static void test_asked_again_and_not_sent(void)
{
    struct bench b;
    struct waiting w;
    set_up_stalled(&b);
    start_again(&b, &w);
    answer_status(&b, FAKE_GET, 403);
    settle(&b);
    CHECK_INT(w.err, -EACCES);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_STALLED);
    pass(&b, FOLLOW_SLOWEST_MS);
    answer_gone(&b); /* it is followed as before */
    CHECK_STR(story(&b),
              ACCEPTED "intent force_delete 1\noutcome force_delete 1 failed EACCES 0 0\n"
                       "resolved force_delete 1 gone\n");
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);

    set_up_stalled(&b);
    start_again(&b, &w);
    answer_gone(&b);
    settle(&b);
    CHECK_INT(w.err, 0);
    CHECK_INT(deletes(&b), 1);
    CHECK_INT(deletions_jobs(b.deletions), 0);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_IDLE);
    CHECK_INT(connector_of(&b, 1)->pins, 0);
    CHECK_STR(story(&b),
              ACCEPTED "intent force_delete 1\nresolved force_delete 1 gone\n"
                       "outcome force_delete 1 done - 0 0\nresolved force_delete 1 gone\n");
    tear_down(&b);

    set_up_stalled(&b);
    deletion_abandon(start_again(&b, &w));
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 7));
    CHECK_STR(story(&b),
              ACCEPTED "intent force_delete 1\noutcome force_delete 1 failed EINTR 0 0\n");
    CHECK_INT(deletes(&b), 1);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_STALLED);
    tear_down(&b);
}

static void test_a_look_that_cannot_be_sent_is_made_later(void)
{
    struct bench b;
    set_up_followed(&b);
    fake_api_refuse(b.api, 1);
    pass(&b, FOLLOW_FIRST_MS);
    CHECK_INT(fake_api_waiting(b.api), 0);
    pass(&b, FOLLOW_FIRST_MS);
    answer_gone(&b);
    CHECK_STR(story(&b), ACCEPTED "resolved force_delete 1 gone\n");
    tear_down(&b);
}

static void test_followed_while_the_program_ends(void)
{
    struct bench b;
    set_up_followed(&b);
    pass(&b, FOLLOW_FIRST_MS);
    deletions_stop(b.deletions);
    CHECK_INT(deletions_under_way(b.deletions), 0);
    answer_gone(&b);
    CHECK_STR(story(&b), ACCEPTED "resolved force_delete 1 gone\n");
    tear_down(&b);
}

/* The next run asks for what this one did not see end. */
static void test_restart(void)
{
    struct bench b;
    set_up_followed(&b);
    pass(&b, FOLLOW_FIRST_MS); /* a look is under way */
    restart(&b);
    add_connector(&b, 1);
    deletions_recover(b.deletions);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_DELETING);
    pass(&b, FOLLOW_FIRST_MS);
    answer_gone(&b);
    CHECK_STR(story(&b), ACCEPTED "resolved force_delete 1 gone\n");
    restart(&b);
    deletions_recover(b.deletions);
    pass(&b, 60000);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0); /* nothing is open */
    CHECK_INT(deletes(&b), 0);
    tear_down(&b);
}

int main(void)
{
    test_gone();
    test_gone_and_back_again();
    test_an_old_answer();
    test_progress();
    test_stalled();
    test_lost_and_sent_again();
    test_asked_again_and_not_sent();
    test_a_look_that_cannot_be_sent_is_made_later();
    test_followed_while_the_program_ends();
    test_restart();
    return check_report();
}
