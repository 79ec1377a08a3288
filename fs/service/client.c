#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bigdatafs/base/sentence.h"

struct client {
    struct loop *loop;
    struct http *http;
    struct log *log;
    client_rekey_fn *rekey;
    void *rekey_arg;
    struct client_call calls; /* head of the ring of calls under way */
    struct service_stats stats;
    unsigned failures;          /* attempts failed in a row ... */
    uint64_t first_failure_ms;  /* ... since then */
    struct http_answer failure; /* the last of them */
    struct loop_timer probe_timer;
    uint64_t probe_delay_ms;
    struct client_call probe;
    uint64_t random_state;
    unsigned key; /* counts the keys so far */
};

/* xorshift64*: jitter needs spread, not secrecy. */
static uint64_t random_below(struct client *c, uint64_t bound)
{
    uint64_t x = c->random_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    c->random_state = x;
    return bound == 0 ? 0 : (x * 0x2545f4914f6cdd1dULL >> 16) % bound;
}

static void attempt(struct client_call *call);

static void end_call(struct client_call *call)
{
    loop_timer_clear(&call->timer);
    call->prev->next = call->next;
    call->next->prev = call->prev;
    call->client->stats.under_way--;
    /* done may free the call: nothing of it is touched after. */
    struct buf body = call->body;
    call->done(call);
    buf_free(&body);
}

static bool is_server_failure(const struct http_answer *a)
{
    return a->failure == FAILURE_UNREACHABLE || a->failure == FAILURE_TIMEOUT ||
           a->failure == FAILURE_BROKEN ||
           (a->failure == FAILURE_NONE && a->status >= 500 && a->status != 501);
}

static bool was_answered(const struct http_answer *a)
{
    return a->failure == FAILURE_NONE && (a->status < 500 || a->status == 501);
}

static void open_circuit(struct client *c)
{
    c->stats.circuit_open = true;
    c->stats.circuit_opened++;
    c->probe_delay_ms = CIRCUIT_PROBE_MS;
    loop_timer_set(c->loop, &c->probe_timer, c->probe_delay_ms);
    log_warning(c->log, "the service does not answer (%s): operations fail at once until it does",
                c->failure.failure == FAILURE_NONE ? "HTTP 5xx" : c->failure.reason);
}

static void close_circuit(struct client *c)
{
    if (c->stats.circuit_open)
        log_info(c->log, "the service answers again");
    c->stats.circuit_open = false;
    c->failures = 0;
    loop_timer_clear(&c->probe_timer);
}

/* Keeps the count that opens and closes the circuit. */
static void note_attempt(struct client *c, const struct http_answer *a)
{
    if (!is_server_failure(a)) {
        if (was_answered(a))
            close_circuit(c);
        return;
    }
    if (c->failures++ == 0)
        c->first_failure_ms = loop_now(c->loop);
    c->failure = *a;
    if (!c->stats.circuit_open && c->failures >= CIRCUIT_FAILURES &&
        loop_now(c->loop) - c->first_failure_ms >= CIRCUIT_MS)
        open_circuit(c);
}

static void on_probe_due(void *arg)
{
    struct client *c = arg;
    c->probe.deadline_ms = loop_now(c->loop) + HTTP_CONNECT_MS;
    client_start(c, &c->probe);
}

static void on_probe_done(struct client_call *call)
{
    struct client *c = call->client;
    if (!c->stats.circuit_open)
        return;
    c->probe_delay_ms *= 2;
    if (c->probe_delay_ms > CIRCUIT_PROBE_MAX_MS)
        c->probe_delay_ms = CIRCUIT_PROBE_MAX_MS;
    loop_timer_set(c->loop, &c->probe_timer, c->probe_delay_ms);
}

static uint64_t backoff_ms(struct client *c, unsigned attempts)
{
    uint64_t most = CLIENT_BACKOFF_MS;
    for (unsigned i = 1; i < attempts && most < CLIENT_BACKOFF_MAX_MS; i++)
        most *= 2;
    return random_below(c, most < CLIENT_BACKOFF_MAX_MS ? most + 1 : CLIENT_BACKOFF_MAX_MS + 1);
}

/* 429: nobody asks before the time that the service gave. */
static void pace(struct client *c, const struct client_call *call)
{
    uint64_t wait = call->answer.retry_after_s >= 0
                        ? (uint64_t)call->answer.retry_after_s * 1000
                        : CLIENT_BACKOFF_MS + backoff_ms(c, call->attempts);
    uint64_t until = loop_now(c->loop) + wait;
    if (until > c->stats.paced_until_ms)
        c->stats.paced_until_ms = until;
}

/* Reads the key again if there is reason to. */
static void take_key(struct client *c, bool refused)
{
    char why[SENTENCE_MAX] = "";
    int changed = c->rekey(c->rekey_arg, c->http, refused, why, sizeof why);
    if (changed < 0)
        log_warning(c->log, "the API key cannot be read again: %s",
                    why[0] != '\0' ? why : strerror(-changed));
    c->key += changed > 0;
}

/* Whether the call may be sent again after its last attempt, and after how long at least. */
static bool should_resend(struct client_call *call, uint64_t *delay_ms)
{
    struct client *c = call->client;
    const struct http_answer *a = &call->answer;
    *delay_ms = 0;
    if (call == &c->probe || call->resend == RESEND_NEVER)
        return false;
    if (a->failure == FAILURE_NONE && a->status == 401) {
        if (call->rekeyed)
            return false;
        call->rekeyed = true;
        take_key(c, true);
        return call->key != c->key; /* others may have found the new one meanwhile */
    }
    if (a->failure == FAILURE_NONE && a->status == 429)
        return true; /* after the pacer's time */
    if (!is_server_failure(a) || (call->resend == RESEND_UNSENT && a->sent))
        return false;
    *delay_ms = backoff_ms(c, call->attempts);
    if (a->retry_after_s >= 0 && (uint64_t)a->retry_after_s * 1000 > *delay_ms)
        *delay_ms = (uint64_t)a->retry_after_s * 1000;
    return true;
}

/* Attempts after delay_ms and the pacer's time, or ends the call when that is too late. */
static void attempt_later(struct client_call *call, uint64_t delay_ms)
{
    struct client *c = call->client;
    uint64_t now = loop_now(c->loop);
    uint64_t at = now + delay_ms;
    if (at < c->stats.paced_until_ms)
        at = c->stats.paced_until_ms + random_below(c, CLIENT_BACKOFF_MS);
    if (at >= call->deadline_ms) {
        end_call(call);
        return;
    }
    loop_timer_set(c->loop, &call->timer, at - now);
}

static void on_attempt_done(struct http_request *r)
{
    struct client_call *call = r->arg;
    struct client *c = call->client;
    call->answer = r->answer;
    bool answered = was_answered(&call->answer);
    if (!answered || call->answer.status == 429)
        c->stats.failed++;
    if (!answered && call->answer.sent)
        call->lost = true;
    note_attempt(c, &call->answer);
    if (answered && call->answer.status == 429)
        pace(c, call);
    uint64_t delay_ms;
    if (should_resend(call, &delay_ms)) {
        log_debug(c->log, "attempt %u of %s failed (HTTP %ld %s), resending", call->attempts,
                  call->request.target, call->answer.status, call->answer.reason);
        attempt_later(call, delay_ms);
    } else {
        end_call(call);
    }
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

static void on_timer(void *arg)
{
    attempt(arg);
}

static void attempt(struct client_call *call)
{
    struct client *c = call->client;
    if (loop_now(c->loop) < c->stats.paced_until_ms && call != &c->probe) {
        attempt_later(call, 0);
        return;
    }
    buf_reset(&call->body);
    if (call->before_send != NULL)
        call->before_send(call);
    call->request.timeout_ms =
        call->deadline_ms > loop_now(c->loop) ? call->deadline_ms - loop_now(c->loop) : 1;
    call->attempts++;
    call->key = c->key;
    c->stats.requests++;
    if (call->attempts > 1)
        c->stats.resends++;
    if (http_start(c->http, &call->request) < 0) {
        call->answer = (struct http_answer){.failure = FAILURE_MEMORY, .retry_after_s = -1};
        end_call(call);
    }
}

static void on_first_turn(void *arg)
{
    struct client_call *call = arg;
    struct client *c = call->client;
    call->timer.due = on_timer;
    if (c->stats.circuit_open && call != &c->probe) {
        call->answer = c->failure;
        call->answer.sent = false;
        end_call(call);
        return;
    }
    if (c->stats.paced_until_ms > loop_now(c->loop)) /* unless its turn comes in time */
        call->answer = (struct http_answer){.status = 429, .retry_after_s = -1};
    take_key(c, false);
    attempt(call);
}

void client_start(struct client *c, struct client_call *call)
{
    call->client = c;
    call->request.data = on_data;
    call->request.done = on_attempt_done;
    call->request.arg = call;
    call->request.exchange = NULL;
    call->attempts = 0;
    call->lost = call->rekeyed = false;
    buf_init(&call->body, CLIENT_BODY_MAX);
    call->prev = c->calls.prev;
    call->next = &c->calls;
    call->prev->next = call->next->prev = call;
    c->stats.under_way++;
    loop_timer_init(&call->timer, on_first_turn, call);
    loop_timer_set(c->loop, &call->timer, 0);
}

void client_cancel(struct client_call *call)
{
    struct client *c = call->client;
    http_cancel(c->http, &call->request);
    loop_timer_clear(&call->timer);
    call->prev->next = call->next;
    call->next->prev = call->prev;
    c->stats.under_way--;
    buf_free(&call->body);
}

int client_new(struct loop *loop, struct http *http, struct log *log, client_rekey_fn *rekey,
               void *rekey_arg, struct client **out)
{
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    *c = (struct client){
        .loop = loop, .http = http, .log = log, .rekey = rekey, .rekey_arg = rekey_arg};
    c->calls.next = c->calls.prev = &c->calls;
    c->random_state = 88172645463325252ULL;
    if (getrandom(&c->random_state, sizeof c->random_state, GRND_NONBLOCK) < 0 ||
        c->random_state == 0)
        c->random_state = 88172645463325252ULL;
    loop_timer_init(&c->probe_timer, on_probe_due, c);
    c->probe.request.method = HTTP_GET;
    c->probe.done = on_probe_done;
    snprintf(c->probe.request.target, sizeof c->probe.request.target,
             "/contents/v1/connectors/00000000-0000-0000-0000-000000000000");
    *out = c;
    return 0;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    while (c->calls.next != &c->calls)
        client_cancel(c->calls.next);
    loop_timer_clear(&c->probe_timer);
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
