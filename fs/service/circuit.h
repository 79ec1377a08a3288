/*
 * circuit: whether it is worth asking the service at all. When the attempts have failed for a
 * while the circuit opens, and its owner then ends new calls at once instead of letting each wait
 * for its deadline. While it is open the circuit asks its owner for a probe now and then; the
 * first answer of the service, to a probe or to any other request, closes it.
 *
 *   state            what holds                          what ends it              next
 *   CIRCUIT_CLOSED   the timer is clear                  failures for a while     OPEN
 *                                                        while a probe is out      PROBING
 *   CIRCUIT_OPEN     the timer is set, no probe is out   the timer                 PROBING
 *                                                        an answer                 CLOSED
 *   CIRCUIT_PROBING  the timer is clear, a probe is out  the probe ends            OPEN
 *                                                        an answer                 CLOSED
 *
 * A probe that is out when another call's answer closes the circuit goes on: it does no harm.
 */
#ifndef BIGDATAFS_SERVICE_CIRCUIT_H
#define BIGDATAFS_SERVICE_CIRCUIT_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"

enum {
    CIRCUIT_FAILURES = 5,         /* failed attempts in a row before the circuit opens */
    CIRCUIT_MS = 5000,            /* time from the first to the last of them, at the least */
    CIRCUIT_PROBE_MS = 1000,      /* from opening to the first probe; doubled after each probe */
    CIRCUIT_PROBE_MAX_MS = 30000, /* the longest time between two probes */
};

enum circuit_state { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_PROBING };

/* Asks the owner to send a probe, now, and to call circuit_probe_ended after it ended. */
typedef void circuit_probe_fn(void *arg);

/* Belongs to its owner, who reads no member of it. */
struct circuit {
    enum circuit_state state;
    bool probe_is_out;
    unsigned failures;         /* attempts that failed in a row */
    uint64_t first_failure_ms; /* when the first of them did; undefined without any */
    struct http_answer last;   /* how the last of them ended */
    uint64_t opened;           /* times since the start */
    uint64_t delay_ms;         /* from opening, or from the last probe, to the next one */
    struct loop *loop;
    struct log *log;
    struct loop_timer timer;
    circuit_probe_fn *probe;
    void *arg;
};

void circuit_init(struct circuit *c, struct loop *loop, struct log *log, circuit_probe_fn *probe,
                  void *arg);
/* Asks for no further probe. The circuit may not be used any more. */
void circuit_stop(struct circuit *c);

/* How an attempt ended, a probe's too. */
void circuit_note(struct circuit *c, const struct http_answer *answer);
/* After circuit_note of its answer. */
void circuit_probe_ended(struct circuit *c);

bool circuit_is_open(const struct circuit *c);
uint64_t circuit_times_opened(const struct circuit *c);
/* How the last failed attempt ended; only while the circuit is open. Borrowed. */
const struct http_answer *circuit_failure(const struct circuit *c);

#endif
