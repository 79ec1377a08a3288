/* What keeps a deletion from being sent at all. */
#include "deletion_bench.h"
#include "guard.h"

#define ARCHIVE REQUEST_ARCHIVE
#define HARD REQUEST_FORCE_DELETE

static void test_one_deletion_of_a_connector_at_a_time(void)
{
    struct bench b;
    struct waiting w, other;
    struct deletion *x;
    set_up(&b);
    start(&b, HARD, 1, &w);
    CHECK_INT(try_start(&b, ARCHIVE, 1, &other, &x), -EBUSY);
    answer_object(&b, FAKE_FORCE_DELETE, NULL);
    settle(&b);
    CHECK_INT(try_start(&b, HARD, 1, &other, &x), -EBUSY); /* it is followed */
    CHECK_INT(deletes(&b), 1);
    CHECK_INT(other.ended, 0);
    CHECK_INT(deletions_stats(b.deletions)->refused, 2);
    CHECK_STR(story(&b), "intent force_delete 1\noutcome force_delete 1 done - 200 1\n");
    tear_down(&b);
}

static void test_guard(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up_with(&b, &(struct deletion_options){.guard = 2});
    for (unsigned i = 1; i <= 5; i++)
        add_connector(&b, i);
    CHECK_INT(try_start(&b, ARCHIVE, 1, &w, &x), 0);
    pass(&b, 29999);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    pass(&b, 40000); /* a minute after the first began, which ended later */
    CHECK_INT(try_start(&b, ARCHIVE, 2, &w, &x), 0);
    pass(&b, 1000);
    CHECK_INT(try_start(&b, ARCHIVE, 3, &w, &x), -EDQUOT);
    pass(&b, 28000);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 2, true, 0));
    pass(&b, GUARD_QUIET_MS - 1);
    CHECK_INT(deletions_in_go(b.deletions), 2);
    pass(&b, 1);
    CHECK_INT(deletions_in_go(b.deletions), 0);
    CHECK_INT(try_start(&b, ARCHIVE, 3, &w, &x), 0);
    CHECK_INT(try_start(&b, ARCHIVE, 4, &w, &x), 0);
    struct deletion_request bulk = {.op = ARCHIVE,
                                    .connector = connector_of(&b, 5),
                                    .bulk = true,
                                    .who = {7, 8, 9, "rmdir"},
                                    .done = on_end,
                                    .arg = &w};
    CHECK_INT(deletion_start(b.deletions, &bulk, &x), 0);
    settle(&b);
    CHECK_INT(deletes(&b), 5);
    CHECK_STR(story(&b), "intent archive 1\noutcome archive 1 done - 200 1\n"
                         "intent archive 2\noutcome archive 2 done - 200 1\n"
                         "intent archive 3\nintent archive 4\nintent archive 5\n");
    tear_down(&b);
}

/* The next run goes on with what the audit log shows, without what the bulk files asked for. */
static void test_guard_survives_a_remount(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    const struct deletion_options options = {.guard = 2};
    set_up_with(&b, &options);
    struct deletion_request bulk = {.op = ARCHIVE,
                                    .connector = add_connector(&b, 1),
                                    .bulk = true,
                                    .who = {7, 8, 9, "rmdir"},
                                    .done = on_end,
                                    .arg = &w};
    CHECK_INT(deletion_start(b.deletions, &bulk, &x), 0);
    settle(&b);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    start(&b, ARCHIVE, 2, &w);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 2, true, 0));
    settle(&b);
    bench_free_parts(&b);
    bench_parts(&b, &options);
    deletions_recover(b.deletions);
    CHECK_INT(deletions_in_go(b.deletions), 1);
    add_connector(&b, 3);
    add_connector(&b, 4);
    CHECK_INT(try_start(&b, ARCHIVE, 3, &w, &x), 0);
    CHECK_INT(try_start(&b, ARCHIVE, 4, &w, &x), -EDQUOT);
    settle(&b);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 3, true, 0));
    settle(&b);
    tear_down(&b);
}

static void test_kinds(void)
{
    static const struct {
        enum deletion_kinds kinds;
        int archive, hard;
    } cases[] = {{DELETE_ALL, 0, 0}, {DELETE_ARCHIVES, 0, -EPERM}, {DELETE_NONE, -EPERM, -EPERM}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b;
        struct waiting w;
        struct deletion *x;
        set_up_with(&b, &(struct deletion_options){.kinds = cases[i].kinds});
        add_connector(&b, 1);
        add_connector(&b, 2);
        CHECK_INT(try_start(&b, ARCHIVE, 1, &w, &x), cases[i].archive);
        CHECK_INT(try_start(&b, HARD, 2, &w, &x), cases[i].hard);
        settle(&b);
        CHECK_INT(fake_api_count(b.api, FAKE_ARCHIVE), cases[i].archive == 0);
        CHECK_INT(fake_api_count(b.api, FAKE_FORCE_DELETE), cases[i].hard == 0);
        CHECK(journal_says(&b, "-o delete=") == (cases[i].kinds != DELETE_ALL));
        while (fake_api_find(b.api, FAKE_ARCHIVE, NULL) != NULL)
            answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
        while (fake_api_find(b.api, FAKE_FORCE_DELETE, NULL) != NULL)
            answer_status(&b, FAKE_FORCE_DELETE, 403);
        tear_down(&b);
    }
}

static void test_dry_run(void)
{
    struct bench b;
    struct waiting w;
    set_up_with(&b, &(struct deletion_options){.dry_run = true});
    start(&b, HARD, 1, &w);
    CHECK_STR(story(&b), "intent force_delete 1\noutcome force_delete 1 failed EPERM 0 0\n");
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.err, -EPERM);
    CHECK_INT(deletes(&b), 0);
    CHECK_INT(connector_of(&b, 1)->progress, PROGRESS_IDLE);
    tear_down(&b);
}

int main(void)
{
    test_one_deletion_of_a_connector_at_a_time();
    test_guard();
    test_guard_survives_a_remount();
    test_kinds();
    test_dry_run();
    return check_report();
}
