#include "pacer.h"

#include <sys/random.h>

static const uint64_t fallback_seed = 88172645463325252ULL;

void pacer_init(struct pacer *p)
{
    *p = (struct pacer){.random_state = fallback_seed};
    if (getrandom(&p->random_state, sizeof p->random_state, GRND_NONBLOCK) < 0 ||
        p->random_state == 0)
        p->random_state = fallback_seed;
}

/* xorshift64*: pauses need spread, not secrecy. */
static uint64_t random_below(struct pacer *p, uint64_t bound)
{
    uint64_t x = p->random_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    p->random_state = x;
    return (x * 0x2545f4914f6cdd1dULL >> 16) % bound;
}

uint64_t pacer_backoff(struct pacer *p, unsigned attempts)
{
    uint64_t most = PACER_BACKOFF_MS;
    for (unsigned i = 1; i < attempts && most < PACER_BACKOFF_MAX_MS; i++)
        most *= 2;
    return random_below(p, (most < PACER_BACKOFF_MAX_MS ? most : PACER_BACKOFF_MAX_MS) + 1);
}

void pacer_hold(struct pacer *p, uint64_t now, long retry_after_s, unsigned attempts)
{
    uint64_t wait = retry_after_s >= 0 ? (uint64_t)retry_after_s * 1000
                                       : PACER_BACKOFF_MS + pacer_backoff(p, attempts);
    if (now + wait > p->held_until_ms)
        p->held_until_ms = now + wait;
}

bool pacer_is_holding(const struct pacer *p, uint64_t now)
{
    return now < p->held_until_ms;
}

uint64_t pacer_time(struct pacer *p, uint64_t at_ms)
{
    if (at_ms >= p->held_until_ms)
        return at_ms;
    return p->held_until_ms + random_below(p, PACER_BACKOFF_MS);
}
