/* What the catalogue is told of connectors beside lists. */
#include <errno.h>

#include "catalogue_bench.h"

static void test_list_does_not_undo_what_was_learned(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 3);
    catalogue_refresh(b.catalogue, NULL);
    learn(&b, 0, true, 1);
    CHECK_INT(b.was, PLACE_ACTIVE);
    catalogue_learn_gone(b.catalogue, find(&b, 1));
    learn(&b, 7, false, 0);
    unsigned changed = b.changed;
    answer_list(&b, 3);
    CHECK_INT(b.changed, changed);
    CHECK_INT(find(&b, 0)->place, PLACE_ARCHIVED);
    CHECK(!connector_exists(find(&b, 1)));
    CHECK(connector_exists(find(&b, 7)));
    CHECK_INT(fake_api_lists_forgotten(b.api), 1);
    catalogue_refresh(b.catalogue, NULL); /* one that was asked for later does */
    answer_list(&b, 3);
    CHECK_INT(find(&b, 0)->place, PLACE_ACTIVE);
    CHECK(connector_exists(find(&b, 1)));
    fake_api_answer_status(fake_api_find(b.api, FAKE_GET, id_of(7)), 404);
    fake_loop_settle(b.loop);
    CHECK(!connector_exists(find(&b, 7)));
    tear_down(&b);
}

static void test_ask(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 1);
    CHECK_INT(ask(&b, 5, 0), CATALOGUE_ASKED);
    CHECK_INT(b.err, 0);
    fake_api_answer_object(fake_api_find(b.api, FAKE_GET, NULL), object(5, true, 0));
    CHECK_INT(b.users[0].told, 1);
    CHECK_INT(find(&b, 5)->place, PLACE_ARCHIVED);
    CHECK(catalogue_confirmed(b.catalogue, find(&b, 5)));
    fake_loop_advance(b.loop, TTL_MS);
    CHECK(!catalogue_confirmed(b.catalogue, find(&b, 5)));
    CHECK_INT(ask(&b, 5, 0), CATALOGUE_ASKED);
    fake_api_answer_status(fake_api_find(b.api, FAKE_GET, NULL), 404);
    CHECK_INT(find(&b, 5)->place, PLACE_NONE);
    CHECK_INT(ask(&b, 5, 0), CATALOGUE_KNOWN_ABSENT);
    CHECK_INT(b.err, 0);
    CHECK_INT(b.users[0].told, 2);
    learn(&b, 5, false, 1);
    CHECK_INT(ask(&b, 5, 0), CATALOGUE_ASKED);
    catalogue_learn_gone(b.catalogue, find(&b, 5));
    CHECK_INT(ask(&b, 5, 1), CATALOGUE_KNOWN_ABSENT);
    fake_api_refuse(b.api, 1);
    CHECK_INT(ask(&b, 6, 1), CATALOGUE_NOT_ASKED);
    CHECK_INT(b.err, -ENOMEM);
    tear_down(&b);
}

static void test_tombstones_are_freed_when_nobody_pins_them(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 2);
    struct connector *pinned = find(&b, 0);
    pinned->pins++;
    catalogue_learn_gone(b.catalogue, pinned);
    catalogue_learn_gone(b.catalogue, find(&b, 1));
    catalogue_refresh(b.catalogue, NULL);
    CHECK(find(&b, 1) != NULL);
    answer_list(&b, 0);
    CHECK(find(&b, 0) == pinned);
    CHECK(find(&b, 1) == NULL);
    pinned->pins--;
    catalogue_refresh(b.catalogue, NULL);
    answer_list(&b, 0);
    CHECK(find(&b, 0) == NULL);
    tear_down(&b);
}

static void test_progress_is_told_once_a_change(void)
{
    struct bench b;
    set_up(&b);
    load(&b, 1);
    struct connector *connector = find(&b, 0);
    connector->pins++;
    catalogue_set_progress(b.catalogue, connector, PROGRESS_UNDER_WAY);
    catalogue_set_progress(b.catalogue, connector, PROGRESS_UNDER_WAY);
    CHECK_INT(b.progressed, 1);
    CHECK(!connector_is_being_deleted(connector));
    catalogue_set_progress(b.catalogue, connector, PROGRESS_DELETING);
    catalogue_set_progress(b.catalogue, connector, PROGRESS_STALLED);
    CHECK(connector_is_being_deleted(connector));
    CHECK_INT(b.progressed, 3);
    catalogue_set_progress(b.catalogue, connector, PROGRESS_IDLE);
    catalogue_set_progress(b.catalogue, connector, PROGRESS_IDLE);
    CHECK_INT(b.progressed, 4);
    connector->pins--;
    tear_down(&b);
}

int main(void)
{
    test_list_does_not_undo_what_was_learned();
    test_ask();
    test_tombstones_are_freed_when_nobody_pins_them();
    test_progress_is_told_once_a_change();
    return check_report();
}
