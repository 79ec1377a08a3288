/* A list that is taken while other things happen. */
#include <errno.h>
#include <stdlib.h>

#include "refresh_bench.h"

static void test_nothing_is_applied_before_the_end(void)
{
    struct bench b;
    set_up(&b);
    begin(&b);
    give_active(&b, 0, 2);
    fake_loop_settle(b.loop);
    CHECK_INT(connectors_count(b.connectors), 0);
    end(&b);
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 2);
    CHECK_INT(b.done, 1);
    CHECK_INT(b.err, 0);
    CHECK(find(&b, 0)->listed);
    tear_down(&b);
}

/* What has the same text is not set again, whatever the order. */
static void test_only_differences_are_applied(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 4);
    CHECK_INT(b.sets, 4);
    take_list(&b, 0, 4);
    CHECK_INT(b.sets, 0);
    begin(&b);
    CHECK_INT(give(&b, object(3, false, 0)), 0);
    CHECK_INT(give(&b, object(1, false, 7)), 0);
    CHECK_INT(give(&b, object(2, false, 0)), 0);
    CHECK_INT(give(&b, object(0, false, 0)), 0);
    end(&b);
    CHECK_INT(b.sets, 1);
    CHECK(has_revision(&b, 1, false, 7));
    CHECK_INT(b.left_out, 0);
    CHECK_INT(fake_api_lists_forgotten(b.api), 0);
    tear_down(&b);
}

static void test_learned_while_the_list_arrives(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 2);
    begin(&b);
    CHECK_INT(give(&b, object(0, false, 1)), 0);
    CHECK_INT(give(&b, object(1, false, 0)), 0);
    CHECK_INT(give(&b, object(2, false, 0)), 0); /* not known yet */
    learn(&b, 0, object(0, true, 2));
    learn(&b, 1, NULL);
    learn(&b, 2, object(2, true, 3));
    end(&b);
    CHECK(has_revision(&b, 0, true, 2));
    CHECK_INT(place_of(&b, 1), PLACE_NONE);
    CHECK(has_revision(&b, 2, true, 3));
    CHECK_INT(b.sets, 0);
    CHECK_INT(fake_api_lists_forgotten(b.api), 1);
    tear_down(&b);
}

/* In slices of one step: what is learned between two of them is never undone. */
static void test_learned_during_commit(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 2);
    fake_loop_set_yield(b.loop, true);
    begin(&b);
    for (unsigned n = 0; n < 4; n++)
        CHECK_INT(give(&b, object(n, false, 1)), 0);
    fake_api_list_end(b.list);
    fake_loop_turn(b.loop);
    CHECK(has_revision(&b, 0, false, 1));
    CHECK(has_revision(&b, 1, false, 0));
    CHECK_INT(b.sets, 1);
    learn(&b, 0, NULL); /* applied already */
    learn(&b, 1, NULL);
    learn(&b, 2, NULL);
    fake_loop_settle(b.loop);
    CHECK_INT(place_of(&b, 0), PLACE_NONE);
    CHECK_INT(place_of(&b, 1), PLACE_NONE);
    CHECK_INT(place_of(&b, 2), PLACE_NONE);
    CHECK(has_revision(&b, 3, false, 1));
    CHECK_INT(fake_api_lists_forgotten(b.api), 1);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    tear_down(&b);
}

/* The list lacks what was learned to exist after it was asked for: that is no suspect. */
static void test_learned_during_compare(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 3);
    fake_loop_set_yield(b.loop, true);
    begin(&b);
    give_active(&b, 0, 1);
    fake_api_list_end(b.list);
    fake_loop_turn(b.loop); /* commits */
    fake_loop_turn(b.loop); /* compares the first */
    learn(&b, 2, object(2, false, 9));
    fake_loop_settle(b.loop);
    CHECK(get_of(&b, 2) == NULL);
    CHECK_INT(fake_api_waiting(b.api), 1);
    answer_gone(get_of(&b, 1));
    fake_loop_settle(b.loop);
    CHECK_INT(place_of(&b, 1), PLACE_NONE);
    CHECK(has_revision(&b, 2, false, 9));
    CHECK(!find(&b, 2)->listed);
    CHECK_INT(fake_api_lists_forgotten(b.api), 1);
    tear_down(&b);
}

static void test_elements_that_are_left_out(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 1);
    char *large = malloc(SNAPSHOT_TEXT_MAX + 2);
    memset(large, ' ', SNAPSHOT_TEXT_MAX + 1);
    large[SNAPSHOT_TEXT_MAX + 1] = '\0';
    begin(&b);
    CHECK_INT(give(&b, "{\"connector_id\":\"no uuid\"}"), 0);
    CHECK_INT(give(&b, "{}"), 0);
    CHECK_INT(give(&b, large), 0);
    free(large);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_INT(give(&b, object(0, false, i)), 0); /* known before */
        CHECK_INT(give(&b, object(1, false, i)), 0); /* not known before */
    }
    CHECK_INT(give(&b, "[]"), -EBADMSG);
    end(&b);
    CHECK_INT(b.left_out, 5);
    CHECK(has_revision(&b, 0, false, 0)); /* the first of those that are repeated */
    CHECK(has_revision(&b, 1, false, 0));
    tear_down(&b);
}

static void test_attempt_is_repeated(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 1);
    begin(&b);
    CHECK_INT(give(&b, object(0, false, 1)), 0);
    CHECK_INT(give(&b, object(5, false, 0)), 0);
    CHECK_INT(give(&b, "{}"), 0);
    fake_api_list_begin(b.list);
    CHECK_INT(give(&b, object(0, false, 2)), 0);
    CHECK_INT(give(&b, object(6, false, 0)), 0);
    end(&b);
    CHECK(has_revision(&b, 0, false, 2));
    CHECK(find(&b, 5) == NULL);
    CHECK_INT(place_of(&b, 6), PLACE_ACTIVE);
    CHECK_INT(b.left_out, 0);
    tear_down(&b);
}

static void test_list_fails_or_is_not_modified(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 2);
    begin(&b);
    CHECK_INT(give(&b, object(0, false, 1)), 0);
    fake_api_answer_failure(b.list, FAILURE_BROKEN, false);
    CHECK_INT(b.done, 1);
    CHECK(b.err < 0);
    begin(&b);
    fake_api_answer(b.list, (struct api_result){.status = 304, .not_modified = true});
    CHECK_INT(b.done, 1);
    CHECK_INT(b.err, 0);
    CHECK_INT(b.sets, 0);
    CHECK(has_revision(&b, 0, false, 0));
    CHECK_INT(place_of(&b, 1), PLACE_ACTIVE);
    fake_api_refuse(b.api, 1);
    CHECK_INT(refresh_start(b.refresh, b.changes), -ENOMEM);
    CHECK(!refresh_under_way(b.refresh));
    tear_down(&b);
}

/* Nothing leaks, and nothing is called any more. */
static void test_free(void)
{
    for (unsigned turns = 0; turns < 5; turns++) {
        struct bench b;
        set_up(&b);
        take_list(&b, 0, 2);
        fake_loop_set_yield(b.loop, true);
        begin(&b);
        CHECK_INT(give(&b, object(0, false, 1)), 0);
        CHECK_INT(give(&b, object(2, false, 1)), 0);
        if (turns > 0)
            fake_api_list_end(b.list);
        for (unsigned n = 1; n < turns; n++)
            fake_loop_turn(b.loop);
        CHECK_INT(b.done, 0);
        tear_down(&b);
    }
}

int main(void)
{
    test_nothing_is_applied_before_the_end();
    test_only_differences_are_applied();
    test_learned_while_the_list_arrives();
    test_learned_during_commit();
    test_learned_during_compare();
    test_elements_that_are_left_out();
    test_attempt_is_repeated();
    test_list_fails_or_is_not_modified();
    test_free();
    return check_report();
}
