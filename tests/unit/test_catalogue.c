/* How old the list is, and who waits for a newer one. */
#include <errno.h>

#include "catalogue_bench.h"

static void test_first_list(void)
{
    struct bench b;
    set_up(&b);
    wait(&b, 0);
    wait(&b, 1);
    CHECK_INT(lists(&b), 1);
    fake_loop_advance(b.loop, CATALOGUE_PATIENCE_MS + 1); /* there is nothing else to serve */
    CHECK_INT(b.users[0].told, 0);
    CHECK(!catalogue_state(b.catalogue).slow);
    answer_list(&b, 3);
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[1].told, 1);
    CHECK_INT(b.users[0].err, 0);
    CHECK_INT(b.refreshed, 1);
    CHECK_INT(b.changed, 3);
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    CHECK_INT(catalogue_state(b.catalogue).age_ms, CATALOGUE_PATIENCE_MS + 1);
    tear_down(&b);
}

static void test_first_list_fails(void)
{
    struct bench b;
    set_up(&b);
    wait(&b, 0);
    fail_list(&b);
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[0].err, failure_errno(FAILURE_UNREACHABLE, 0));
    CHECK_INT(journal_count(b.journal), 1);
    CHECK_INT(use(&b), CATALOGUE_FAILED);
    CHECK_INT(b.err, b.users[0].err);
    fake_loop_advance(b.loop, CATALOGUE_RETRY_MS - 1);
    CHECK_INT(use(&b), CATALOGUE_FAILED);
    CHECK_INT(lists(&b), 1);
    fake_loop_advance(b.loop, 1);
    wait(&b, 0);
    CHECK_INT(lists(&b), 2);
    CHECK_INT(b.err, 0);
    tear_down(&b);
}

static void test_ages(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 1);
    fake_loop_advance(b.loop, TTL_MS / 4 * 3 - 1);
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    CHECK_INT(lists(&b), 1);
    CHECK_INT(catalogue_fresh_ms(b.catalogue), 1);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(catalogue_fresh_ms(b.catalogue), 0);
    CHECK_INT(catalogue_ttl_left_ms(b.catalogue), TTL_MS / 4);
    catalogue_touch(b.catalogue);
    CHECK_INT(lists(&b), 2);
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    CHECK_INT(lists(&b), 2);
    fake_loop_advance(b.loop, TTL_MS / 4 - 1);
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    answer_list(&b, 1);
    CHECK_INT(catalogue_state(b.catalogue).age_ms, TTL_MS / 4 - 1); /* since it was asked for */
    fake_loop_advance(b.loop, TTL_MS / 4 * 3 + 1);
    CHECK_INT(catalogue_ttl_left_ms(b.catalogue), 0);
    wait(&b, 0);
    tear_down(&b);
}

/* 304: the list that is held is as new as one that was sent. */
static void test_not_modified(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 2);
    fake_loop_advance(b.loop, TTL_MS);
    wait(&b, 0);
    fake_api_answer(list_of(&b), (struct api_result){.status = 304, .not_modified = true});
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[0].err, 0);
    CHECK_INT(catalogue_state(b.catalogue).age_ms, 0);
    CHECK(connector_exists(find(&b, 1)));
    CHECK_INT(fake_loop_timers(b.loop), 0);
    tear_down(&b);
}

static void test_stale_list_is_served_after_a_failure(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 1);
    fake_loop_advance(b.loop, TTL_MS);
    wait(&b, 0);
    b.users[1].waiter.fresh_only = true;
    catalogue_wait(b.catalogue, &b.users[1].waiter);
    fail_list(&b);
    CHECK_INT(b.users[0].err, 0);
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[1].err, failure_errno(FAILURE_UNREACHABLE, 0));
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    CHECK_INT(lists(&b), 2);
    fake_loop_advance(b.loop, CATALOGUE_RETRY_MS);
    CHECK_INT(use(&b), CATALOGUE_SERVE); /* and the next refresh starts */
    CHECK_INT(lists(&b), 3);
    fake_loop_advance(b.loop, STALE_MS - CATALOGUE_RETRY_MS - 1);
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    fake_loop_advance(b.loop, 1);
    wait(&b, 2); /* too old, but a refresh is under way */
    fail_list(&b);
    CHECK_INT(b.users[2].err, failure_errno(FAILURE_UNREACHABLE, 0));
    CHECK_INT(use(&b), CATALOGUE_FAILED);
    CHECK_INT(catalogue_state(b.catalogue).failures, 2);
    fake_loop_advance(b.loop, CATALOGUE_RETRY_MS);
    wait(&b, 0);
    answer_list(&b, 1);
    CHECK(!catalogue_state(b.catalogue).failing);
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    tear_down(&b);
}

static void test_patience(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 1);
    fake_loop_advance(b.loop, TTL_MS);
    wait(&b, 0);
    b.users[1].waiter.fresh_only = true;
    wait(&b, 1);
    wait(&b, 2);
    fake_loop_advance(b.loop, CATALOGUE_PATIENCE_MS - 1);
    CHECK_INT(b.users[0].told, 0);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[0].err, 0);
    CHECK_INT(b.users[2].told, 1);
    CHECK_INT(b.users[1].told, 0);
    CHECK(catalogue_state(b.catalogue).slow);
    CHECK_INT(use(&b), CATALOGUE_SERVE);
    CHECK_INT(lists(&b), 2);
    fake_loop_advance(b.loop, STALE_MS);
    wait(&b, 0); /* what is held is too old by now */
    answer_list(&b, 1);
    CHECK_INT(b.users[1].told, 1);
    CHECK_INT(b.users[0].told, 2);
    CHECK(!catalogue_state(b.catalogue).slow);
    tear_down(&b);
}

static void test_refresh_during_a_refresh(void)
{
    struct bench b;
    set_up(&b);
    catalogue_refresh(b.catalogue, &b.users[0].waiter);
    catalogue_refresh(b.catalogue, &b.users[1].waiter);
    catalogue_refresh(b.catalogue, &b.users[2].waiter);
    CHECK_INT(lists(&b), 1);
    answer_list(&b, 1);
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[1].told, 0);
    CHECK_INT(lists(&b), 2);
    fail_list(&b);
    CHECK_INT(b.users[1].told, 1);
    CHECK_INT(b.users[2].told, 1);
    CHECK_INT(lists(&b), 2);
    catalogue_refresh(b.catalogue, NULL); /* no pause for who asks for one */
    CHECK_INT(lists(&b), 3);
    catalogue_refresh(b.catalogue, NULL);
    fail_list(&b);
    CHECK_INT(lists(&b), 4);
    tear_down(&b);
}

static void refresh_again(struct bench *b, struct user *user)
{
    catalogue_refresh(b->catalogue, &user->waiter);
}

static void test_refresh_cannot_start(void)
{
    struct bench b;
    set_up(&b);
    fake_api_refuse(b.api, 2);
    catalogue_refresh(b.catalogue, &b.users[0].waiter);
    CHECK_INT(b.users[0].told, 0); /* from the loop alone */
    fake_loop_settle(b.loop);
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[0].err, -ENOMEM);
    CHECK_INT(use(&b), CATALOGUE_FAILED);
    CHECK_INT(b.err, -ENOMEM);
    fake_loop_advance(b.loop, CATALOGUE_RETRY_MS);
    CHECK_INT(use(&b), CATALOGUE_FAILED);
    fake_loop_advance(b.loop, CATALOGUE_RETRY_MS);
    wait(&b, 0);
    fail_list(&b);
    fake_api_refuse(b.api, 2);
    b.on_told = refresh_again; /* is told of its own attempt, not of the one before */
    catalogue_refresh(b.catalogue, &b.users[1].waiter);
    fake_loop_turn(b.loop);
    CHECK_INT(b.users[1].told, 1);
    fake_loop_settle(b.loop);
    CHECK_INT(b.users[1].told, 2);
    CHECK_INT(lists(&b), 2);
    tear_down(&b);
}

/* The first that is told removes the second, and has the third and itself wait. */
static void remove_and_add(struct bench *b, struct user *user)
{
    b->on_told = NULL;
    catalogue_unwait(&b->users[1].waiter);
    catalogue_refresh(b->catalogue, &user->waiter);
    catalogue_refresh(b->catalogue, &b->users[2].waiter);
}

static void check_waiters_that_change_the_list(bool fails)
{
    struct bench b;
    set_up(&b);
    load(&b, 1);
    fake_loop_advance(b.loop, TTL_MS);
    b.on_told = remove_and_add;
    wait(&b, 0);
    wait(&b, 1);
    wait(&b, 3);
    if (fails)
        fail_list(&b);
    else
        answer_list(&b, 1);
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(b.users[1].told, 0);
    CHECK_INT(b.users[2].told, 0);
    CHECK_INT(b.users[3].told, 1);
    CHECK_INT(lists(&b), 3);
    answer_list(&b, 1);
    CHECK_INT(b.users[0].told, 2);
    CHECK_INT(b.users[2].told, 0);
    answer_list(&b, 1);
    CHECK_INT(b.users[2].told, 1);
    CHECK_INT(b.users[1].told, 0);
    tear_down(&b);
}

static void test_free_with_everything_under_way(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 3);
    catalogue_refresh(b.catalogue, NULL);
    answer_list(&b, 0); /* three are asked for */
    catalogue_refresh(b.catalogue, &b.users[0].waiter);
    CHECK_INT(ask(&b, 9, 1), CATALOGUE_ASKED);
    CHECK_INT(fake_api_waiting(b.api), 4);
    tear_down(&b);
    CHECK_INT(b.users[0].told, 0);
    CHECK_INT(b.users[1].told, 0);
    catalogue_free(NULL);
}

int main(void)
{
    test_first_list();
    test_first_list_fails();
    test_ages();
    test_not_modified();
    test_stale_list_is_served_after_a_failure();
    test_patience();
    test_refresh_during_a_refresh();
    test_refresh_cannot_start();
    test_free_with_everything_under_way();
    check_waiters_that_change_the_list(true);
    check_waiters_that_change_the_list(false);
    return check_report();
}
