#include "gate.h"

enum verdict { SEND, HOLD, HOLD_IF_IN_VICTIM, HOLD_IF_IN_ROOT };

/*
 * What happens to each kind of notice while something is locked, or the gate is paused. A notice
 * about a name takes the lock of the directory that holds the name. A notice about an inode takes
 * none. A flush is not to pass the names that wait for the end of the pause.
 */
static const struct rule {
    enum verdict lists, removal, pause;
} rules[NOTICE_KINDS] = {
    /*                  a list's lock is held, a removal is under way, paused */
    [NOTICE_NAME] = {SEND, HOLD_IF_IN_VICTIM, SEND},
    [NOTICE_EXPIRE] = {HOLD, HOLD, HOLD_IF_IN_ROOT},
    [NOTICE_DELETED] = {HOLD, HOLD, HOLD_IF_IN_ROOT},
    [NOTICE_REMOVED] = {HOLD, HOLD, HOLD_IF_IN_ROOT},
    [NOTICE_INODE] = {SEND, SEND, SEND},
    [NOTICE_DATA] = {SEND, SEND, SEND},
    [NOTICE_STORE] = {SEND, SEND, SEND},
    [NOTICE_FLUSH] = {SEND, SEND, HOLD},
};

/* The gate at one moment. */
struct state {
    bool lists, removal, paused;
    uint64_t victim;
};

static bool says_hold(enum verdict verdict, uint64_t parent, uint64_t victim)
{
    switch (verdict) {
    case SEND:
        return false;
    case HOLD_IF_IN_VICTIM:
        return victim == 0 || parent == victim;
    case HOLD_IF_IN_ROOT:
        return parent == TELL_ROOT_ID;
    case HOLD:
        break;
    }
    return true;
}

/* The decision: a pure function over the table. */
static bool is_to_be_held(const struct notice *notice, const struct state *s)
{
    const struct rule *rule = &rules[notice->kind];
    return (s->lists && says_hold(rule->lists, notice->parent, s->victim)) ||
           (s->removal && says_hold(rule->removal, notice->parent, s->victim)) ||
           (s->paused && says_hold(rule->pause, notice->parent, s->victim));
}

bool gate_is_shut(const struct gate *g, const struct notice *notice)
{
    /* The order counts: a removal begins after its victim is stored, and ends in a pause. */
    struct state s = {.lists = atomic_load(&g->lists) > 0};
    s.removal = atomic_load(&g->removals) > 0;
    s.victim = atomic_load(&g->victim);
    s.paused = atomic_load(&g->paused);
    return is_to_be_held(notice, &s);
}

bool gate_is_of_list(enum notice_kind kind)
{
    return rules[kind].lists == HOLD;
}

void gate_lock_lists(struct gate *g)
{
    atomic_fetch_add(&g->lists, 1);
}

/* Of several victims none is remembered: then any directory may be one, until the last removal has
 * ended. */
void gate_lock_removal(struct gate *g, uint64_t victim)
{
    atomic_store(&g->victim, atomic_load(&g->removals) == 0 ? victim : 0);
    atomic_fetch_add(&g->removals, 1);
}

bool gate_unlock_lists(struct gate *g)
{
    return atomic_fetch_sub(&g->lists, 1) == 1;
}

bool gate_unlock_removal(struct gate *g)
{
    atomic_store(&g->paused, true);
    return atomic_fetch_sub(&g->removals, 1) == 1;
}

void gate_end_pause(struct gate *g)
{
    atomic_store(&g->paused, false);
}

bool gate_is_locked(const struct gate *g)
{
    return atomic_load(&g->lists) > 0 || atomic_load(&g->removals) > 0;
}

bool gate_is_paused(const struct gate *g)
{
    return atomic_load(&g->paused);
}
