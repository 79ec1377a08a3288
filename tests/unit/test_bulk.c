/* Many deletions that are asked for by one write. */
#include "deletion_bench.h"

#define ARCHIVE REQUEST_ARCHIVE
#define HARD REQUEST_FORCE_DELETE

enum { MANY = 64 };

/* A write with the ids from first to last. */
static struct bulk *write_ids(struct bench *b, enum request_op op, unsigned first, unsigned last,
                              struct waiting *waiting)
{
    struct bulk *bulk = NULL;
    struct bulk_request request = {.op = op,
                                   .ids = calloc(last - first + 1, sizeof(uuid_text)),
                                   .count = last - first + 1,
                                   .who = {7, 8, 9, "rmdir"},
                                   .done = on_end,
                                   .arg = waiting};
    for (unsigned i = first; i <= last; i++)
        id_of(i, request.ids[i - first]);
    *waiting = (struct waiting){0};
    CHECK_INT(bulk_start(b->bulks, &request, &bulk), 0);
    return bulk;
}

static void add_connectors(struct bench *b, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        add_connector(b, i);
}

static void set_parallel(struct bench *b, unsigned parallel)
{
    bulks_free(b->bulks);
    bench_bulks(b, parallel);
}

static unsigned number_of(const struct api_op *op)
{
    return (unsigned)strtoul(fake_api_id(op) + 24, NULL, 10);
}

static void archive_next(struct bench *b)
{
    struct api_op *op = asked(b, FAKE_ARCHIVE);
    fake_api_answer_object(op, object_of(b, number_of(op), true, 0));
    settle(b);
}

static void test_at_most_so_many_at_once(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    add_connectors(&b, 1, 10);
    write_ids(&b, ARCHIVE, 1, 10, &w);
    CHECK_INT(w.ended, 0);
    settle(&b);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_INT(deletes(&b), i + PARALLEL < 10 ? i + PARALLEL : 10);
        CHECK_INT(w.ended, 0);
        archive_next(&b);
    }
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, 0);
    CHECK_INT(deletes(&b), 10);
    CHECK_INT(bulks_under_way(b.bulks), 0);
    CHECK(strstr(story(&b), "outcome archive 10 done - 200 1\n") != NULL);
    tear_down(&b);
}

static void test_writes_take_turns(void)
{
    static const unsigned order[] = {1, 11, 2, 12, 3, 13, 4, 14};
    struct bench b;
    struct waiting w, other;
    set_up(&b);
    add_connectors(&b, 1, 4);
    add_connectors(&b, 11, 14);
    write_ids(&b, ARCHIVE, 1, 4, &w);
    write_ids(&b, ARCHIVE, 11, 14, &other);
    settle(&b);
    CHECK_INT(bulks_under_way(b.bulks), 2);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_INT(number_of(asked(&b, FAKE_ARCHIVE)), order[i]);
        archive_next(&b);
    }
    CHECK_INT(w.ended + other.ended, 2);
    CHECK_INT(deletes(&b), 8);
    tear_down(&b);
}

static void test_a_turn_starts_a_slice(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    set_parallel(&b, MANY);
    add_connectors(&b, 1, MANY);
    write_ids(&b, ARCHIVE, 1, MANY, &w);
    fake_loop_turn(b.loop);
    CHECK_INT(deletions_under_way(b.deletions), BULK_SLICE);
    settle(&b);
    CHECK_INT(deletes(&b), MANY);
    bulks_free(b.bulks);
    b.bulks = NULL;
    CHECK_INT(w.ended, 0);
    CHECK_INT(deletions_under_way(b.deletions), MANY); /* followed to their ends */
    tear_down(&b);
}

static void test_unknown_ids_are_asked_for_a_few_at_a_time(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    set_parallel(&b, MANY);
    write_ids(&b, ARCHIVE, 1, 40, &w);
    for (unsigned i = 0; i < 40; i++) {
        settle(&b);
        CHECK_INT(fake_api_waiting(b.api), 40 - i < BULK_ASKS_MAX ? 40 - i : BULK_ASKS_MAX);
        answer_status(&b, FAKE_GET, 404);
    }
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -ENOENT);
    CHECK_INT(deletes(&b), 0);
    CHECK_STR(story(&b), "");
    CHECK(journal_says(&b, "the service has no connector with this id"));
    tear_down(&b);
}

static void test_an_unknown_id_that_is_found_is_archived(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    write_ids(&b, ARCHIVE, 1, 1, &w);
    settle(&b);
    CHECK_INT(deletes(&b), 0);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    settle(&b);
    archive_next(&b);
    CHECK_STR(story(&b), "intent archive 1\noutcome archive 1 done - 200 1\n");
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, 0);
    tear_down(&b);
}

/* A GET that fails, one that cannot be sent, and one too many: nothing is deleted. */
static void test_unknown_ids_that_cannot_be_asked_for(void)
{
    struct bench b;
    struct waiting w;
    uuid_text id;
    int err;
    set_up(&b);
    write_ids(&b, HARD, 1, 2, &w);
    fake_api_refuse(b.api, 1);
    settle(&b);
    answer_status(&b, FAKE_GET, 503);
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -ENOMEM);
    CHECK(journal_says(&b, "it is not known, and could not be asked for"));
    for (unsigned i = 100; catalogue_ask(b.catalogue, id_of(i, id), NULL, &err) == CATALOGUE_ASKED;)
        i++;
    CHECK_INT(err, -EAGAIN);
    write_ids(&b, HARD, 3, 3, &w);
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EAGAIN);
    CHECK(journal_says(&b, "too many others are being asked for"));
    CHECK_INT(deletes(&b), 0);
    CHECK_STR(story(&b), "");
    tear_down(&b);
}

static void test_what_is_so_already_counts_as_done(void)
{
    struct bench b;
    struct waiting w, single;
    set_up(&b);
    start(&b, HARD, 1, &single);
    answer_object(&b, FAKE_FORCE_DELETE, NULL);
    start(&b, ARCHIVE, 2, &single);
    archive_next(&b);
    CHECK_INT(deletes(&b), 2);
    write_ids(&b, HARD, 1, 1, &w);
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, 0);
    write_ids(&b, ARCHIVE, 2, 2, &w);
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, 0);
    CHECK_INT(deletes(&b), 2);
    tear_down(&b);
}

static void test_the_first_error_counts(void)
{
    struct bench b;
    struct waiting w, single;
    set_up(&b);
    add_connectors(&b, 1, 3);
    start(&b, ARCHIVE, 4, &single);
    write_ids(&b, HARD, 1, 5, &w); /* the fourth is busy, the fifth is not known */
    settle(&b);
    answer_status(&b, FAKE_FORCE_DELETE, 409);
    settle(&b);
    answer_status(&b, FAKE_FORCE_DELETE, 403);
    answer_object(&b, FAKE_FORCE_DELETE, NULL);
    answer_status(&b, FAKE_GET, 404);
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EBUSY);
    CHECK_INT(fake_api_count(b.api, FAKE_FORCE_DELETE), 3);
    CHECK_STR(story(&b), "intent archive 4\nintent force_delete 1\nintent force_delete 2\n"
                         "intent force_delete 3\noutcome force_delete 1 failed EBUSY 409 1\n"
                         "outcome force_delete 2 failed EACCES 403 1\n"
                         "outcome force_delete 3 done - 200 1\n");
    tear_down(&b);
}

static void render(struct bench *b, const char *want)
{
    struct buf text;
    buf_init(&text, 4096);
    CHECK_INT(bulks_render(b->bulks, &text), 0);
    CHECK_STR(text.data, want);
    buf_free(&text);
}

/* One archived, one in flight, one without connection, one asked for; the fifth never starts. */
static void test_abandon(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    add_connectors(&b, 1, 3);
    add_connectors(&b, 5, 9);
    struct bulk *bulk = write_ids(&b, ARCHIVE, 1, 6, &w);
    settle(&b);
    CHECK_INT(deletes(&b), 3);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 1);
    render(&b, "{\"operation\":\"bulk archive\",\"state\":\"under way\",\"pid\":9,\"ids\":6,"
               "\"succeeded\":0,\"failed\":0,\"under_way\":4,\"waiting\":2}\n");
    archive_next(&b);
    fake_api_set_sent(fake_api_find(b.api, FAKE_ARCHIVE, connector_of(&b, 3)->id), API_UNSENT);
    CHECK_INT(deletes(&b), 4); /* the fifth took the place of the first */
    bulk_abandon(bulk);
    CHECK_INT(bulks_under_way(b.bulks), 0);
    answer_status(&b, FAKE_GET, 404); /* it was asked for, and nobody waits any more */
    archive_next(&b);
    archive_next(&b);
    CHECK_STR(story(&b), "intent archive 1\nintent archive 2\nintent archive 3\n"
                         "outcome archive 1 done - 200 1\nintent archive 5\n"
                         "outcome archive 3 failed EINTR 0 0\noutcome archive 2 done - 200 1\n"
                         "outcome archive 5 done - 200 1\n");
    CHECK_INT(w.ended, 0);
    CHECK(journal_says(&b, "interrupted: nothing was sent for the last 1 of 6 ids"));
    pass(&b, 60000);
    CHECK_INT(deletes(&b), 4);
    write_ids(&b, ARCHIVE, 7, 9, &w); /* all places are free again */
    settle(&b);
    CHECK_INT(deletes(&b), 7);
    tear_down(&b);
}

/* The places of the one that was abandoned go to the other. */
static void test_abandon_makes_room(void)
{
    struct bench b;
    struct waiting w, other;
    set_up(&b);
    add_connectors(&b, 11, 11);
    struct bulk *bulk = write_ids(&b, ARCHIVE, 1, 4, &w); /* not known: all are asked for */
    settle(&b);
    write_ids(&b, ARCHIVE, 11, 11, &other);
    settle(&b);
    CHECK_INT(deletes(&b), 0);
    bulk_abandon(bulk);
    settle(&b);
    archive_next(&b);
    CHECK_INT(other.ended, 1);
    CHECK_INT(other.err, 0);
    CHECK_INT(w.ended, 0);
    CHECK_STR(story(&b), "intent archive 11\noutcome archive 11 done - 200 1\n");
    tear_down(&b);
}

static void test_stop(void)
{
    struct bench b;
    struct waiting w, fresh;
    set_up(&b);
    add_connectors(&b, 1, 8);
    write_ids(&b, ARCHIVE, 1, 8, &w);
    settle(&b);
    write_ids(&b, ARCHIVE, 5, 6, &fresh);
    bulks_stop(b.bulks);
    settle(&b);
    CHECK_INT(fresh.ended, 1);
    CHECK_INT(fresh.err, -EIO);
    CHECK_INT(w.ended, 0); /* four are under way */
    archive_next(&b);
    archive_next(&b);
    archive_next(&b);
    CHECK_INT(w.ended, 0);
    answer_status(&b, FAKE_ARCHIVE, 403);
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EIO);
    CHECK_INT(deletes(&b), 4);
    CHECK_INT(bulks_under_way(b.bulks), 0);
    CHECK(journal_says(&b, "the program is ending: nothing was sent for the last 4 of 8 ids"));
    write_ids(&b, ARCHIVE, 5, 8, &w); /* too late */
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EIO);
    CHECK_INT(deletes(&b), 4);
    CHECK(journal_says(&b, "the program is ending: nothing was sent for the last 4 of 4 ids"));
    tear_down(&b);
}

static void test_the_guard_counts_single_deletions_alone(void)
{
    struct bench b;
    struct waiting w;
    set_up_with(&b, &(struct deletion_options){.guard = 1});
    add_connectors(&b, 1, 3);
    write_ids(&b, ARCHIVE, 1, 3, &w);
    settle(&b);
    CHECK_INT(deletes(&b), 3);
    CHECK_INT(w.ended, 0);
    tear_down(&b);
}

/* The program has begun to end: each is refused, none is sent. */
static void test_closed(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    add_connectors(&b, 1, 6);
    write_ids(&b, HARD, 1, 6, &w);
    deletions_close(b.deletions);
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EIO);
    CHECK_INT(deletes(&b), 0);
    CHECK_STR(story(&b), "");
    tear_down(&b);
}

/* An id that was asked for is not deleted when the answer comes after the stop. */
static void test_stop_while_one_is_asked_for(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    write_ids(&b, HARD, 1, 1, &w);
    settle(&b);
    bulks_stop(b.bulks);
    answer_object(&b, FAKE_GET, object_of(&b, 1, false, 0));
    settle(&b);
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EIO);
    CHECK_INT(deletes(&b), 0);
    CHECK(journal_says(&b, "the program is ending, nothing was sent"));
    CHECK_STR(story(&b), "");
    tear_down(&b);
}

int main(void)
{
    test_at_most_so_many_at_once();
    test_writes_take_turns();
    test_a_turn_starts_a_slice();
    test_unknown_ids_are_asked_for_a_few_at_a_time();
    test_an_unknown_id_that_is_found_is_archived();
    test_unknown_ids_that_cannot_be_asked_for();
    test_what_is_so_already_counts_as_done();
    test_the_first_error_counts();
    test_abandon();
    test_abandon_makes_room();
    test_stop();
    test_the_guard_counts_single_deletions_alone();
    test_closed();
    test_stop_while_one_is_asked_for();
    return check_report();
}
