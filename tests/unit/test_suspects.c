/* Connectors that a list lacks: which of them go from the table, and which stay. */
#include "refresh_bench.h"

static void test_all_that_are_missing_are_gone(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 40);
    take_list(&b, 0, 10);
    CHECK_INT(fake_api_waiting(b.api), 15); /* every second of 30 */
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 40);
    while (fake_api_waiting(b.api) > 0) {
        CHECK_INT(b.done, 0);
        answer_gone(fake_api_find(b.api, FAKE_GET, NULL));
    }
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 25);
    fake_loop_settle(b.loop);
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 10);
    CHECK_INT(b.done, 1);
    CHECK_INT(fake_api_lists_forgotten(b.api), 0);
    tear_down(&b);
}

/* One that is missing is alive: nothing goes that the service does not call gone itself. */
static void check_kept(void (*answer)(struct api_op *op))
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 40);
    take_list(&b, 0, 10);
    answer(get_of(&b, 10));
    while (fake_api_waiting(b.api) > 0)
        answer_gone(fake_api_find(b.api, FAKE_GET, NULL));
    fake_loop_settle(b.loop);
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 40 - 14);
    CHECK_INT(place_of(&b, 10), PLACE_ACTIVE);
    CHECK_INT(place_of(&b, 11), PLACE_ACTIVE);
    CHECK_INT(place_of(&b, 12), PLACE_NONE);
    CHECK_INT(b.done, 1);
    CHECK_INT(fake_api_lists_forgotten(b.api), 1);
    tear_down(&b);
}

static void answer_alive(struct api_op *op)
{
    fake_api_answer_object(op, object(10, false, 1));
}

static void answer_unavailable(struct api_op *op)
{
    fake_api_answer_status(op, 503);
}

static void test_nothing_could_be_asked(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 20);
    begin(&b);
    fake_api_refuse(b.api, 100);
    end(&b);
    CHECK_INT(b.done, 1);
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 20);
    CHECK_INT(fake_api_lists_forgotten(b.api), 1);
    tear_down(&b);
}

static void test_missing_one_is_archived(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 3);
    take_list(&b, 0, 1);
    fake_api_answer_object(get_of(&b, 1), object(1, true, 1));
    answer_gone(get_of(&b, 2));
    fake_loop_settle(b.loop);
    CHECK_INT(place_of(&b, 1), PLACE_ARCHIVED);
    CHECK_INT(place_of(&b, 2), PLACE_NONE);
    CHECK_INT(fake_api_lists_forgotten(b.api), 0);
    take_list(&b, 0, 1); /* no list had archived ones: that it lacks this one tells nothing */
    CHECK_INT(b.done, 1);
    CHECK_INT(place_of(&b, 1), PLACE_ARCHIVED);
    begin(&b);
    give_active(&b, 0, 1);
    CHECK_INT(give(&b, object(1, true, 1)), 0);
    end(&b);
    take_list(&b, 0, 1); /* now it tells */
    answer_gone(get_of(&b, 1));
    fake_loop_settle(b.loop);
    CHECK_INT(place_of(&b, 1), PLACE_NONE);
    tear_down(&b);
}

/* A list shows archived ones if its own text says so, not if one of them is archived meanwhile. */
static void test_archived_while_the_list_arrives(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 2);
    learn(&b, 1, object(1, true, 1));
    begin(&b);
    give_active(&b, 0, 1);
    learn(&b, 0, object(0, true, 1));
    end(&b);
    take_list(&b, 0, 0);
    CHECK_INT(b.done, 1);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ARCHIVED), 2);
    tear_down(&b);
}

/* The answer to a check tells of an earlier time than what was learned meanwhile. */
static void test_suspect_changes_while_it_is_asked_for(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 4);
    take_list(&b, 0, 0);
    learn(&b, 0, object(0, true, 5));
    learn(&b, 1, NULL);
    learn(&b, 2, object(2, false, 6));
    answer_gone(get_of(&b, 0));
    fake_api_answer_object(get_of(&b, 1), object(1, true, 0));
    fake_api_answer_object(get_of(&b, 2), object(2, true, 0));
    answer_gone(get_of(&b, 3));
    fake_loop_settle(b.loop);
    CHECK_INT(b.done, 1);
    CHECK(has_revision(&b, 0, true, 5));
    CHECK_INT(place_of(&b, 1), PLACE_NONE);
    CHECK(has_revision(&b, 2, false, 6));
    CHECK_INT(place_of(&b, 3), PLACE_NONE);
    tear_down(&b);
}

/* Those not asked for changed between the answers and the end. */
static void test_learned_during_conclusion(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 20);
    take_list(&b, 0, 0);
    CHECK(get_of(&b, 1) == NULL && get_of(&b, 2) != NULL);
    while (fake_api_waiting(b.api) > 0)
        answer_gone(fake_api_find(b.api, FAKE_GET, NULL));
    learn(&b, 1, object(1, false, 8));
    fake_loop_settle(b.loop);
    CHECK(has_revision(&b, 1, false, 8));
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 1);
    tear_down(&b);
}

static void test_free_while_suspects_are_asked_for(void)
{
    struct bench b;
    set_up(&b);
    take_list(&b, 0, 3);
    take_list(&b, 0, 1);
    CHECK_INT(fake_api_waiting(b.api), 2);
    tear_down(&b);
}

int main(void)
{
    test_all_that_are_missing_are_gone();
    check_kept(answer_alive);
    check_kept(answer_unavailable);
    test_nothing_could_be_asked();
    test_missing_one_is_archived();
    test_archived_while_the_list_arrives();
    test_suspect_changes_while_it_is_asked_for();
    test_learned_during_conclusion();
    test_free_while_suspects_are_asked_for();
    return check_report();
}
