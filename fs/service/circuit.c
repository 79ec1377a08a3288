#include "circuit.h"

#include <assert.h>

static void check_invariants(const struct circuit *c)
{
    assert(loop_timer_is_set(&c->timer) == (c->state == CIRCUIT_OPEN));
    assert(c->state != CIRCUIT_PROBING || c->probe_is_out);
    assert(c->state != CIRCUIT_OPEN || !c->probe_is_out);
    assert(c->state == CIRCUIT_CLOSED || c->failures >= CIRCUIT_FAILURES);
    assert(c->state == CIRCUIT_CLOSED ||
           (c->delay_ms >= CIRCUIT_PROBE_MS && c->delay_ms <= CIRCUIT_PROBE_MAX_MS));
    (void)c;
}

static void wait_for_probe(struct circuit *c)
{
    c->state = CIRCUIT_OPEN;
    loop_timer_set(c->loop, &c->timer, c->delay_ms);
}

static void on_probe_due(void *arg)
{
    struct circuit *c = arg;
    c->state = CIRCUIT_PROBING;
    c->probe_is_out = true;
    check_invariants(c);
    c->probe(c->arg);
}

void circuit_init(struct circuit *c, struct loop *loop, struct log *log, circuit_probe_fn *probe,
                  void *arg)
{
    *c = (struct circuit){.loop = loop, .log = log, .probe = probe, .arg = arg};
    loop_timer_init(&c->timer, on_probe_due, c);
}

void circuit_stop(struct circuit *c)
{
    loop_timer_clear(&c->timer);
}

static void open_circuit(struct circuit *c)
{
    c->opened++;
    c->delay_ms = CIRCUIT_PROBE_MS;
    if (c->probe_is_out)
        c->state = CIRCUIT_PROBING;
    else
        wait_for_probe(c);
    log_warning(c->log, "the service does not answer (%s): operations fail at once until it does",
                c->last.failure == FAILURE_NONE ? "HTTP 5xx" : c->last.reason);
}

static void close_circuit(struct circuit *c)
{
    if (circuit_is_open(c))
        log_info(c->log, "the service answers again");
    c->state = CIRCUIT_CLOSED;
    c->failures = 0;
    loop_timer_clear(&c->timer);
}

static void note_outage(struct circuit *c, const struct http_answer *answer)
{
    uint64_t now = loop_now(c->loop);
    if (c->failures++ == 0)
        c->first_failure_ms = now;
    c->last = *answer;
    if (!circuit_is_open(c) && c->failures >= CIRCUIT_FAILURES &&
        now - c->first_failure_ms >= CIRCUIT_MS)
        open_circuit(c);
}

void circuit_note(struct circuit *c, const struct http_answer *answer)
{
    if (answer_is_outage(answer))
        note_outage(c, answer);
    else if (answer_is_from_service(answer))
        close_circuit(c);
    check_invariants(c);
}

void circuit_probe_ended(struct circuit *c)
{
    c->probe_is_out = false;
    if (c->state == CIRCUIT_PROBING) {
        c->delay_ms *= 2;
        if (c->delay_ms > CIRCUIT_PROBE_MAX_MS)
            c->delay_ms = CIRCUIT_PROBE_MAX_MS;
        wait_for_probe(c);
    }
    check_invariants(c);
}

bool circuit_is_open(const struct circuit *c)
{
    return c->state != CIRCUIT_CLOSED;
}

uint64_t circuit_times_opened(const struct circuit *c)
{
    return c->opened;
}

const struct http_answer *circuit_failure(const struct circuit *c)
{
    return &c->last;
}
