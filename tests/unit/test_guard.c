/* How many single deletions one go may have. */
#include "guard.h"

#include "check.h"

enum { START_MS = 1000000 };

/* One deletion that takes so long; whether it was let through. Moves the clock. */
static bool try_one(struct guard *g, uint64_t *now_ms, uint64_t takes_ms)
{
    bool may = guard_begin(g, *now_ms);
    if (may) {
        *now_ms += takes_ms;
        guard_end(g, *now_ms);
    }
    return may;
}

static unsigned try_many(struct guard *g, uint64_t *now_ms, unsigned count, uint64_t takes_ms)
{
    unsigned let = 0;
    for (unsigned i = 0; i < count; i++)
        let += try_one(g, now_ms, takes_ms);
    return let;
}

static void test_a_slow_service_does_not_stretch_it(void)
{
    static const uint64_t takes_ms[] = {0, 6300, 59000, 600000};
    for (unsigned i = 0; i < sizeof takes_ms / sizeof takes_ms[0]; i++) {
        struct guard g = {.most = 10};
        uint64_t now = START_MS;
        CHECK_INT(try_many(&g, &now, 30, takes_ms[i]), 10);
        CHECK_INT(guard_count(&g, now), 10);
    }
}

static void test_a_go_ends_after_a_quiet_minute(void)
{
    struct guard g = {.most = 2};
    uint64_t now = START_MS;
    CHECK_INT(try_many(&g, &now, 2, 5000), 2);
    CHECK_INT(guard_count(&g, now + GUARD_QUIET_MS - 1), 2);
    now += GUARD_QUIET_MS;
    CHECK_INT(guard_count(&g, now), 0);
    CHECK_INT(try_many(&g, &now, 3, 5000), 2);
}

static void test_one_under_way_holds_it(void)
{
    struct guard g = {.most = 1};
    CHECK(guard_begin(&g, START_MS));
    CHECK(!guard_begin(&g, START_MS + 10 * GUARD_QUIET_MS));
    guard_end(&g, START_MS + 11 * GUARD_QUIET_MS);
    CHECK(!guard_begin(&g, START_MS + 12 * GUARD_QUIET_MS - 1));
}

static void test_refusals_hold_it_but_not_for_ever(void)
{
    struct guard g = {.most = 1};
    uint64_t now = START_MS, first = now;
    CHECK(try_one(&g, &now, 0));
    do
        now += GUARD_QUIET_MS / 2;
    while (!try_one(&g, &now, 0) && now < first + 10 * GUARD_REFUSED_MS);
    CHECK_INT(now - first, GUARD_REFUSED_MS + GUARD_QUIET_MS);
}

static void test_off(void)
{
    struct guard g = {0};
    uint64_t now = START_MS;
    CHECK_INT(try_many(&g, &now, 1000, 1), 1000);
}

static void test_history(void)
{
    struct guard_history h = {0};
    struct guard g = {.most = 3};
    guard_history_begin(&h, 1000);
    guard_history_end(&h, 1001);
    guard_history_begin(&h, 1061); /* another go */
    guard_history_end(&h, 1200);
    guard_history_begin(&h, 1201); /* the same */
    CHECK_INT(h.count, 2);
    guard_recall(&g, &h, 1231, START_MS);
    CHECK_INT(guard_count(&g, START_MS), 2);
    CHECK_INT(guard_count(&g, START_MS + 29999), 2);
    CHECK_INT(guard_count(&g, START_MS + 30000), 0);
    g = (struct guard){.most = 3};
    guard_recall(&g, &h, 1261, START_MS);
    CHECK_INT(guard_count(&g, START_MS), 0);
    guard_recall(&g, &h, 5, START_MS); /* the time of day was set back */
    CHECK_INT(guard_count(&g, START_MS), 2);
}

int main(void)
{
    test_a_slow_service_does_not_stretch_it();
    test_a_go_ends_after_a_quiet_minute();
    test_one_under_way_holds_it();
    test_refusals_hold_it_but_not_for_ever();
    test_off();
    test_history();
    return check_report();
}
