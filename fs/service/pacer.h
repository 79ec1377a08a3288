/*
 * pacer: when the next attempt may be sent: the random pause after a failed one, and the time
 * before which the service, by a 429, wants no request at all.
 *
 * Times are milliseconds of loop_now. A pacer belongs to its client and needs no freeing.
 */
#ifndef BIGDATAFS_SERVICE_PACER_H
#define BIGDATAFS_SERVICE_PACER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PACER_BACKOFF_MS = 200,      /* the longest pause after the first attempt; doubled after each */
    PACER_BACKOFF_MAX_MS = 8000, /* the longest pause after any number of attempts */
};

struct pacer {
    uint64_t held_until_ms; /* nothing is sent before; in the past when nothing is held back */
    uint64_t random_state;  /* never 0 */
};

void pacer_init(struct pacer *p);

/* A pause of 0 to the longest for this many attempts, each length as likely as the others, so that
 * many clients do not come back all at once. */
uint64_t pacer_backoff(struct pacer *p, unsigned attempts);

/* A 429 came now, as the answer to that many attempts: holds everything back for retry_after_s
 * seconds, or, when that is negative, for a pause that is never shorter than PACER_BACKOFF_MS. An
 * earlier hold that lasts longer stays. */
void pacer_hold(struct pacer *p, uint64_t now, long retry_after_s, unsigned attempts);

bool pacer_is_holding(const struct pacer *p, uint64_t now);

/* The time for an attempt that should be sent at at_ms. The attempts that a hold has gathered are
 * spread over PACER_BACKOFF_MS after its end. */
uint64_t pacer_time(struct pacer *p, uint64_t at_ms);

#endif
