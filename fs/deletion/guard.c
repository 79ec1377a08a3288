#include "guard.h"

#include <assert.h>

static void check_invariants(const struct guard *g)
{
    assert(g->most == 0 || g->under_way <= g->count);
    assert(g->let_ms <= g->moved_ms);
    (void)g;
}

static void let_go(struct guard *g, uint64_t now_ms)
{
    g->moved_ms = g->let_ms = now_ms;
}

static bool has_ended(const struct guard *g, uint64_t now_ms)
{
    return g->under_way == 0 && now_ms - g->moved_ms >= GUARD_QUIET_MS;
}

unsigned guard_count(const struct guard *g, uint64_t now_ms)
{
    return has_ended(g, now_ms) ? 0 : g->count;
}

bool guard_begin(struct guard *g, uint64_t now_ms)
{
    g->count = guard_count(g, now_ms);
    bool may = g->most == 0 || g->count < g->most;
    if (may) {
        g->count++;
        g->under_way++;
        let_go(g, now_ms);
    } else if (now_ms - g->let_ms <= GUARD_REFUSED_MS) {
        g->moved_ms = now_ms;
    }
    check_invariants(g);
    return may;
}

void guard_end(struct guard *g, uint64_t now_ms)
{
    assert(g->under_way > 0);
    g->under_way--;
    let_go(g, now_ms);
    check_invariants(g);
}

/* The time of day may have been set back: then the last time stays. */
static void move(struct guard_history *h, int64_t time_s)
{
    if (time_s > h->moved_s)
        h->moved_s = time_s;
}

void guard_history_begin(struct guard_history *h, int64_t time_s)
{
    if (time_s - h->moved_s >= GUARD_QUIET_MS / 1000)
        h->count = 0;
    h->count++;
    move(h, time_s);
}

void guard_history_end(struct guard_history *h, int64_t time_s)
{
    move(h, time_s);
}

void guard_recall(struct guard *g, const struct guard_history *h, int64_t time_s, uint64_t now_ms)
{
    int64_t quiet_s = time_s > h->moved_s ? time_s - h->moved_s : 0;
    uint64_t quiet_ms = quiet_s < GUARD_QUIET_MS / 1000 ? (uint64_t)quiet_s * 1000 : GUARD_QUIET_MS;
    if (h->count == 0 || quiet_ms >= GUARD_QUIET_MS)
        return;
    g->count = guard_count(g, now_ms) + h->count;
    uint64_t moved_ms = now_ms > quiet_ms ? now_ms - quiet_ms : 0;
    if (moved_ms > g->let_ms)
        let_go(g, moved_ms);
    check_invariants(g);
}
