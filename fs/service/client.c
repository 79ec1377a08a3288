#include "client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bigdatafs/base/sentence.h"
#include "circuit.h"
#include "pacer.h"

#define PROBE_TARGET "/contents/v1/connectors/00000000-0000-0000-0000-000000000000"

struct client {
    struct loop *loop;
    struct http *http;
    struct log *log;
    client_rekey_fn *rekey;
    void *rekey_arg;
    TAILQ_HEAD(, client_call) calls; /* under way, the oldest first */
    struct service_stats stats;
    struct circuit circuit;
    struct pacer pacer;
    struct client_call probe;
    unsigned key; /* number of the key in use, from 0 */
    /* Looks for the key. One that is slow is not waited for: the key in use is good meanwhile. */
    TAILQ_HEAD(, client_call) keying; /* calls that wait for one */
    uint64_t look;                    /* number of the last one */
    uint64_t look_ms;                 /* when it began */
    bool looking;                     /* it is under way */
    bool slow;                        /* for longer than CLIENT_KEY_MS */
    bool again_refused;               /* the next one is for a call that was refused */
};

/* The table of client.h. */
static void check_invariants(const struct client_call *call)
{
    const struct client *c = call->client;
    bool waits =
        call->state == CALL_STARTED || call->state == CALL_KEYING || call->state == CALL_WAITING;
    assert(loop_timer_is_set(&call->timer) == waits);
    assert((call->request.exchange != NULL) == (call->state == CALL_ATTEMPTED));
    assert(call->state != CALL_STARTED || call->attempts == 0);
    assert(call->state != CALL_WAITING || call->timer.at_ms < call->deadline_ms);
    assert(call->state != CALL_ATTEMPTED || call->attempts > 0);
    assert(call->state != CALL_KEYING || (c->looking && !TAILQ_EMPTY(&c->keying)));
    assert(call->key <= c->key);
    assert((c->stats.under_way == 0) == TAILQ_EMPTY(&c->calls));
    (void)c, (void)waits;
}

static void leave(struct client_call *call)
{
    struct client *c = call->client;
    loop_timer_clear(&call->timer);
    if (call->state == CALL_KEYING)
        TAILQ_REMOVE(&c->keying, call, keying);
    TAILQ_REMOVE(&c->calls, call, link);
    c->stats.under_way--;
    call->state = CALL_ENDED;
    check_invariants(call);
}

static void end_call(struct client_call *call)
{
    leave(call);
    /* done may free the call or start it again: nothing of it is touched after. */
    struct buf body = call->body;
    call->done(call);
    buf_free(&body);
}

static bool is_probe(const struct client_call *call)
{
    return call == &call->client->probe;
}

static void on_probe_due(void *arg)
{
    struct client *c = arg;
    c->probe.deadline_ms = loop_now(c->loop) + HTTP_CONNECT_MS;
    client_start(c, &c->probe);
}

static void on_probe_done(struct client_call *call)
{
    circuit_probe_ended(&call->client->circuit);
}

/* Keeps the counts, and tells circuit and pacer how an attempt ended. */
static void note_attempt(struct client_call *call)
{
    struct client *c = call->client;
    const struct http_answer *a = &call->answer;
    bool answered = answer_is_from_service(a), refused = answer_is(a, 429);
    if (!answered || refused)
        c->stats.failed++;
    if (!answered && a->sent)
        call->lost = true;
    circuit_note(&c->circuit, a);
    c->stats.circuit_open = circuit_is_open(&c->circuit);
    c->stats.circuit_opened = circuit_times_opened(&c->circuit);
    if (refused)
        pacer_hold(&c->pacer, loop_now(c->loop), a->retry_after_s, call->attempts);
    c->stats.paced_until_ms = c->pacer.held_until_ms;
}

static void note_key(struct client *c, enum rekey result, const char *why)
{
    if (result == REKEY_CHANGED)
        c->key++;
    else if (result == REKEY_FAILED)
        log_warning(c->log, "the API key cannot be read again: %s", why);
}

/* Begins a look for the key. Returns whether it is under way; else it has ended. */
static bool look_for_key(struct client *c, bool refused)
{
    char why[SENTENCE_MAX] = "";
    enum rekey result = c->rekey(c->rekey_arg, c->http, refused, why, sizeof why);
    c->look++;
    c->look_ms = loop_now(c->loop);
    c->looking = result == REKEY_LATER;
    if (!c->looking)
        note_key(c, result, why);
    return c->looking;
}

/* Has the key looked for. Returns whether the call waits for that. */
static bool await_key(struct client_call *call, bool refused)
{
    struct client *c = call->client;
    if (c->slow)
        return false;
    if (c->looking) {
        call->look = c->look + 1; /* the one under way may have come too early for this call */
        c->again_refused |= refused;
    } else if (look_for_key(c, refused)) {
        call->look = c->look;
    } else {
        return false;
    }
    uint64_t now = loop_now(c->loop), rest = call->deadline_ms > now ? call->deadline_ms - now : 0;
    call->state = CALL_KEYING;
    TAILQ_INSERT_TAIL(&c->keying, call, keying);
    loop_timer_set(c->loop, &call->timer, rest / 2 < CLIENT_KEY_MS ? rest / 2 : CLIENT_KEY_MS);
    check_invariants(call);
    return true;
}

static bool may_resend(const struct client_call *call)
{
    return !is_probe(call) && call->resend != RESEND_NEVER;
}

/* Whether the call is to be sent again after its last answer. */
static bool should_resend(struct client_call *call)
{
    const struct client *c = call->client;
    const struct http_answer *a = &call->answer;
    if (!may_resend(call))
        return false;
    if (answer_is(a, 401))
        return call->key != c->key; /* another call may have found a newer one */
    if (answer_is(a, 429))
        return true;
    return answer_is_outage(a) && !(call->resend == RESEND_UNSENT && a->sent);
}

/* The pause before the next attempt. That after a 429 is the pacer's hold. */
static uint64_t pause_ms(struct client_call *call)
{
    const struct http_answer *a = &call->answer;
    if (!answer_is_outage(a))
        return 0;
    uint64_t pause = pacer_backoff(&call->client->pacer, call->attempts);
    uint64_t least = a->retry_after_s >= 0 ? (uint64_t)a->retry_after_s * 1000 : 0;
    return pause > least ? pause : least;
}

/* Attempts after delay_ms, or when the pacer's hold is over, or ends the call when that is too
 * late. */
static void attempt_later(struct client_call *call, uint64_t delay_ms)
{
    struct client *c = call->client;
    uint64_t now = loop_now(c->loop), at = pacer_time(&c->pacer, now + delay_ms);
    if (at >= call->deadline_ms) {
        end_call(call);
        return;
    }
    call->state = CALL_WAITING;
    loop_timer_set(c->loop, &call->timer, at - now);
    check_invariants(call);
}

static void resend_or_end(struct client_call *call)
{
    if (!should_resend(call)) {
        end_call(call);
        return;
    }
    log_debug(call->client->log, "attempt %u of %s failed (HTTP %ld %s), resending", call->attempts,
              call->request.target, call->answer.status, call->answer.reason);
    attempt_later(call, pause_ms(call));
}

static void on_attempt_done(struct http_request *r)
{
    struct client_call *call = r->arg;
    call->answer = r->answer;
    note_attempt(call);
    bool first_refusal = answer_is(&call->answer, 401) && !call->rekeyed && may_resend(call);
    if (first_refusal)
        call->rekeyed = true;
    if (!first_refusal || !await_key(call, true))
        resend_or_end(call);
}

static enum failure collect(struct http_request *r, const char *bytes, size_t len)
{
    struct client_call *call = r->arg;
    int err = buf_append(&call->body, bytes, len);
    return err == 0 ? FAILURE_NONE : err == -EFBIG ? FAILURE_TOO_LARGE : FAILURE_MEMORY;
}

static enum failure on_data(struct http_request *r, const char *bytes, size_t len)
{
    struct client_call *call = r->arg;
    return call->data != NULL ? call->data(r, bytes, len) : collect(r, bytes, len);
}

static void attempt(struct client_call *call)
{
    struct client *c = call->client;
    uint64_t now = loop_now(c->loop);
    buf_reset(&call->body);
    if (call->before_send != NULL)
        call->before_send(call);
    call->request.timeout_ms = call->deadline_ms > now ? call->deadline_ms - now : 1;
    call->attempts++;
    call->key = c->key;
    c->stats.requests++;
    if (call->attempts > 1)
        c->stats.resends++;
    if (http_start(c->http, &call->request) < 0) {
        call->answer = call->request.answer;
        end_call(call);
        return;
    }
    call->state = CALL_ATTEMPTED;
    check_invariants(call);
}

/* Attempts, unless the pacer holds all back but the probe. */
static void attempt_in_turn(struct client_call *call)
{
    struct client *c = call->client;
    if (pacer_is_holding(&c->pacer, loop_now(c->loop)) && !is_probe(call))
        attempt_later(call, 0);
    else
        attempt(call);
}

static void on_first_turn(struct client_call *call)
{
    struct client *c = call->client;
    if (circuit_is_open(&c->circuit) && !is_probe(call)) {
        call->answer = *circuit_failure(&c->circuit);
        call->answer.sent = false; /* that was another call's request */
        end_call(call);
        return;
    }
    /* A call that is held back past its deadline ends without an attempt. The answer that it ends
     * with is then the one that holds it back. */
    if (pacer_is_holding(&c->pacer, loop_now(c->loop)))
        call->answer = (struct http_answer){.status = 429, .retry_after_s = -1};
    if (!await_key(call, false))
        attempt_in_turn(call);
}

/* The key was looked for, or that takes too long. */
static void go_on(struct client_call *call)
{
    TAILQ_REMOVE(&call->client->keying, call, keying);
    call->state = CALL_STARTED;
    loop_timer_clear(&call->timer);
    if (call->attempts == 0)
        attempt_in_turn(call);
    else
        resend_or_end(call);
}

/* The key was waited for long enough: by this call, whose deadline may be near, or by all. */
static void on_slow_key(struct client_call *call)
{
    struct client *c = call->client;
    if (loop_now(c->loop) - c->look_ms < CLIENT_KEY_MS) {
        go_on(call);
        return;
    }
    c->slow = true;
    log_warning(c->log,
                "the API key file does not answer: the key that was read last stays in use");
    while (!TAILQ_EMPTY(&c->keying))
        go_on(TAILQ_FIRST(&c->keying));
}

void client_rekeyed(struct client *c, enum rekey result, const char *why)
{
    note_key(c, result, why);
    c->looking = c->slow = false;
    do {
        struct client_call *call;
        while ((call = TAILQ_FIRST(&c->keying)) != NULL && call->look <= c->look)
            go_on(call);
        if (call == NULL)
            break;
        bool refused = c->again_refused;
        c->again_refused = false;
        look_for_key(c, refused);
    } while (!c->looking);
}

static void on_timer(void *arg)
{
    struct client_call *call = arg;
    if (call->state == CALL_STARTED)
        on_first_turn(call);
    else if (call->state == CALL_KEYING)
        on_slow_key(call);
    else
        attempt_in_turn(call);
}

void client_start(struct client *c, struct client_call *call)
{
    call->client = c;
    call->request.data = on_data;
    call->request.done = on_attempt_done;
    call->request.arg = call;
    call->request.exchange = NULL;
    call->attempts = call->key = 0;
    call->lost = call->rekeyed = false;
    buf_init(&call->body, CLIENT_BODY_MAX);
    TAILQ_INSERT_TAIL(&c->calls, call, link);
    c->stats.under_way++;
    call->state = CALL_STARTED;
    loop_timer_init(&call->timer, on_timer, call);
    loop_timer_set(c->loop, &call->timer, 0);
    check_invariants(call);
}

void client_cancel(struct client_call *call)
{
    http_cancel(call->client->http, &call->request);
    leave(call);
    buf_free(&call->body);
}

int client_new(const struct client_parts *parts, struct client **out)
{
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    *c = (struct client){.loop = parts->loop,
                         .http = parts->http,
                         .log = parts->log,
                         .rekey = parts->rekey,
                         .rekey_arg = parts->rekey_arg};
    TAILQ_INIT(&c->calls);
    TAILQ_INIT(&c->keying);
    circuit_init(&c->circuit, parts->loop, parts->log, on_probe_due, c);
    pacer_init(&c->pacer);
    c->probe.request.method = HTTP_GET;
    c->probe.done = on_probe_done;
    snprintf(c->probe.request.target, sizeof c->probe.request.target, "%s", PROBE_TARGET);
    *out = c;
    return 0;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    while (!TAILQ_EMPTY(&c->calls))
        client_cancel(TAILQ_FIRST(&c->calls));
    circuit_stop(&c->circuit);
    free(c);
}

void client_mask_key(const struct client *c, char *text)
{
    http_mask_key(c->http, text);
}

const struct service_stats *client_stats(const struct client *c)
{
    return &c->stats;
}
