/* Each allocation fails once while a list is taken: the list has failed then, for want of memory,
 * and is not one that lacks something. */
#include "failing.h"
#include "refresh_bench.h"

#include <errno.h>

enum { KNOWN = 2, MANY = 60, STEPS_MAX = 1000 };

/* One allocation failed. The last one of all is for asking whether the connector that the list
 * lacks is gone: without it that one stays. */
static void check_outcome(struct bench *b)
{
    CHECK_INT(b->done, 1);
    CHECK(b->err == -ENOMEM ||
          (b->err == 0 && connectors_count_in(b->connectors, PLACE_ACTIVE) == MANY));
    CHECK_INT(b->left_out, 0);
    CHECK_INT(fake_api_lists_forgotten(b->api), 1);
    CHECK(!refresh_under_way(b->refresh));
    for (unsigned n = 0; n < KNOWN; n++)
        CHECK_INT(place_of(b, n), PLACE_ACTIVE);
}

static void test_elements_that_are_applied(void)
{
    bool failed = true;
    unsigned times = 0; /* that the list failed */
    for (unsigned step = 0; failed && step < STEPS_MAX; step++) {
        struct bench b;
        set_up(&b);
        take_list(&b, 0, KNOWN);
        begin(&b);
        give_active(&b, 1, MANY); /* it lacks the first one */
        fail_one(step);
        fake_api_list_end(b.list);
        fake_loop_settle(b.loop);
        failed = has_failed();
        fail_none();
        if (failed) {
            check_outcome(&b);
            times += b.err < 0;
            take_list(&b, 0, MANY);
            CHECK_INT(b.err, 0);
            CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), MANY);
        } else {
            answer_gone(get_of(&b, 0));
            fake_loop_settle(b.loop);
            CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), MANY - 1);
        }
        tear_down(&b);
    }
    CHECK(!failed);
    CHECK(times >= MANY - KNOWN);
}

static void test_elements_that_arrive(void)
{
    int err = -ENOMEM;
    for (unsigned step = 0; err < 0 && step < STEPS_MAX; step++) {
        struct bench b;
        set_up(&b);
        take_list(&b, 0, KNOWN);
        begin(&b);
        CHECK_INT(give(&b, object(0, false, 0)), 0);
        CHECK_INT(give(&b, object(1, false, 0)), 0);
        fail_one(step);
        err = give(&b, object(2, false, 0));
        bool failed = has_failed();
        fail_none();
        CHECK_INT(err, failed ? -ENOMEM : 0);
        end(&b);
        tear_down(&b);
    }
    CHECK_INT(err, 0);
}

int main(void)
{
    test_elements_that_are_applied();
    test_elements_that_arrive();
    return check_report();
}
