/* Calls that outlast failures, and those that must not be sent again. */
#include "client.h"

#include <stdlib.h>

#include "check.h"
#include "circuit.h"
#include "fakes/fake_http.h"
#include "fakes/fake_loop.h"
#include "pacer.h"

enum { DEADLINE_MS = 60000 };

struct bench {
    struct loop *loop;
    struct http *http;
    struct log log;
    struct client *client;
    const char *new_key; /* that the next reading finds, or NULL */
    bool unreadable;
    unsigned readings, readings_refused;
    LIST_HEAD(, op) ops; /* that have not ended */
};

/* How a call ended. */
struct ended {
    unsigned done;
    struct http_answer answer;
    bool lost;
};

/* A call of its own allocation, which is freed in done, so that the sanitizers see whatever touches
 * it after that. */
struct op {
    struct client_call call;
    LIST_ENTRY(op) link;
    struct ended *ended;
};

static enum rekey on_rekey(void *arg, struct http *http, bool refused, char *why, size_t size)
{
    struct bench *b = arg;
    b->readings++;
    b->readings_refused += refused;
    if (b->unreadable) {
        snprintf(why, size, "for the test");
        return REKEY_FAILED;
    }
    if (b->new_key == NULL)
        return REKEY_SAME;
    CHECK_INT(http_set_key(http, b->new_key), 0);
    b->new_key = NULL;
    return REKEY_CHANGED;
}

static void set_up(struct bench *b)
{
    *b = (struct bench){0};
    LIST_INIT(&b->ops);
    log_init(&b->log, LOG_EMERG);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(http_new(b->loop, NULL, &b->http), 0);
    CHECK_INT(client_new(b->loop, b->http, &b->log, on_rekey, b, &b->client), 0);
}

static void op_free(struct op *op)
{
    LIST_REMOVE(op, link);
    free(op);
}

static void tear_down(struct bench *b)
{
    client_free(b->client);
    CHECK_INT(fake_loop_timers(b->loop), 0);
    while (!LIST_EMPTY(&b->ops))
        op_free(LIST_FIRST(&b->ops));
    http_free(b->http);
    loop_free(b->loop);
}

static void on_done(struct client_call *call)
{
    struct op *op = call->arg;
    op->ended->done++;
    op->ended->answer = call->answer;
    op->ended->lost = call->lost;
    op_free(op);
}

static struct client_call *start(struct bench *b, enum resend resend, struct ended *ended)
{
    struct op *op = calloc(1, sizeof *op);
    if (op == NULL)
        abort();
    *ended = (struct ended){0};
    op->ended = ended;
    LIST_INSERT_HEAD(&b->ops, op, link);
    op->call.request.method = HTTP_DELETE;
    op->call.resend = resend;
    op->call.deadline_ms = loop_now(b->loop) + DEADLINE_MS;
    op->call.done = on_done;
    op->call.arg = op;
    client_start(b->client, &op->call);
    return &op->call;
}

static void cancel(struct client_call *call)
{
    client_cancel(call);
    op_free(call->arg);
}

static struct http_request *find(struct bench *b, enum http_method method)
{
    struct http_request *r;
    for (unsigned n = 0; (r = fake_http_waiting(b->http, n)) != NULL; n++)
        if (r->method == method)
            return r;
    return NULL;
}

/* The probe, if it waits for its answer. The test's calls are DELETEs. */
static struct http_request *find_probe(struct bench *b)
{
    return find(b, HTTP_GET);
}

/* The oldest request of a call that waits for its answer; NULL when none does. */
static struct http_request *find_waiting(struct bench *b)
{
    return find(b, HTTP_DELETE);
}

/* The same, where there must be one. */
static struct http_request *waiting(struct bench *b)
{
    struct http_request *r = find_waiting(b);
    if (!CHECK(r != NULL))
        abort();
    return r;
}

/* Moves the clock on until a request waits, at most so long: how long it took, or most + 1. */
static uint64_t wait_for_request(struct bench *b, uint64_t most)
{
    uint64_t from = loop_now(b->loop);
    fake_loop_settle(b->loop);
    while (find_waiting(b) == NULL && loop_now(b->loop) - from <= most)
        fake_loop_advance(b->loop, 1);
    return loop_now(b->loop) - from;
}

static void test_a_call_that_is_answered(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &ended);
    CHECK_INT(fake_http_started(b.http), 0);
    CHECK_INT(client_stats(b.client)->under_way, 1);
    fake_loop_settle(b.loop);
    CHECK_INT(waiting(&b)->timeout_ms, DEADLINE_MS);
    fake_http_answer_status(waiting(&b), 404, "{}");
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 404);
    CHECK(!ended.lost);
    CHECK_INT(client_stats(b.client)->requests, 1);
    CHECK_INT(client_stats(b.client)->failed, 0);
    CHECK_INT(client_stats(b.client)->under_way, 0);
    CHECK_INT(b.readings, 1);
    tear_down(&b);
}

/* The pauses are within their range, reach into the upper half of it, and double up to the most. */
static void test_back_off(void)
{
    enum { CALLS = 60, ATTEMPTS = 8 };
    uint64_t longest[ATTEMPTS] = {0};
    for (unsigned n = 0; n < CALLS; n++) {
        struct bench b;
        struct ended ended;
        set_up(&b);
        start(&b, RESEND_ALWAYS, &ended);
        uint64_t most = PACER_BACKOFF_MS;
        for (unsigned i = 0; i < ATTEMPTS; i++) {
            CHECK(wait_for_request(&b, 0) == 0);
            fake_http_answer_status(waiting(&b), 503, NULL);
            uint64_t took = wait_for_request(&b, most);
            CHECK(took <= most);
            longest[i] = took > longest[i] ? took : longest[i];
            most = most * 2 < PACER_BACKOFF_MAX_MS ? most * 2 : PACER_BACKOFF_MAX_MS;
        }
        CHECK_INT(ended.done, 0);
        tear_down(&b);
    }
    uint64_t most = PACER_BACKOFF_MS;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        CHECK(longest[i] > most / 2);
        most = most * 2 < PACER_BACKOFF_MAX_MS ? most * 2 : PACER_BACKOFF_MAX_MS;
    }
}

static void test_retry_after_of_an_outage(void)
{
    struct bench b;
    struct ended ended, other;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer(waiting(&b), (struct http_answer){.status = 503, .retry_after_s = 7});
    fake_loop_advance(b.loop, 6999);
    CHECK_INT(fake_http_started(b.http), 1);
    /* It holds back this call alone. */
    start(&b, RESEND_ALWAYS, &other);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), 2);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(fake_http_started(b.http), 3);
    tear_down(&b);
}

static void test_too_many_requests_hold_back_every_call(void)
{
    struct bench b;
    struct ended first, second, third;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &first);
    start(&b, RESEND_ALWAYS, &second);
    fake_loop_settle(b.loop);
    fake_http_answer(waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 5});
    CHECK_INT(client_stats(b.client)->paced_until_ms, loop_now(b.loop) + 5000);
    /* The call that is under way is not called back, but is not sent again either. */
    fake_http_answer_failure(waiting(&b), FAILURE_UNREACHABLE, false);
    start(&b, RESEND_ALWAYS, &third);
    fake_loop_advance(b.loop, 4999);
    CHECK_INT(fake_http_started(b.http), 2);
    fake_loop_advance(b.loop, 1 + PACER_BACKOFF_MS);
    CHECK_INT(fake_http_started(b.http), 5);
    CHECK_INT(first.done + second.done + third.done, 0);
    tear_down(&b);
}

static void test_too_many_requests_without_a_time(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 429, NULL);
    uint64_t took = wait_for_request(&b, 3 * PACER_BACKOFF_MS);
    CHECK(took >= PACER_BACKOFF_MS && took < 3 * PACER_BACKOFF_MS);
    fake_http_answer_status(waiting(&b), 204, NULL);
    CHECK_INT(ended.answer.status, 204);
    CHECK_INT(client_stats(b.client)->failed, 1);
    tear_down(&b);
}

static void test_deadline_before_the_next_attempt(void)
{
    struct bench b;
    struct ended ended, held;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer(
        waiting(&b),
        (struct http_answer){.status = 503, .sent = true, .retry_after_s = DEADLINE_MS / 1000});
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 503);
    CHECK(ended.lost);

    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer(waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 3000});
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 429);
    CHECK(!ended.lost);
    /* One that starts now is never sent: it ends with the refusal, in its first turn. */
    start(&b, RESEND_ALWAYS, &held);
    fake_loop_turn(b.loop);
    CHECK_INT(held.done, 1);
    CHECK_INT(held.answer.status, 429);
    CHECK_INT(fake_http_started(b.http), 2);
    tear_down(&b);
}

/* A hold that comes while a call waits for its own time moves that time, or ends the call. */
static void test_deadline_passes_while_it_waits(void)
{
    struct bench b;
    struct ended waits, refused;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &waits);
    fake_loop_settle(b.loop);
    fake_http_answer(waiting(&b), (struct http_answer){.status = 502, .retry_after_s = 10});
    fake_loop_advance(b.loop, 5000);
    start(&b, RESEND_ALWAYS, &refused);
    fake_loop_settle(b.loop);
    fake_http_answer(waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 57});
    fake_loop_advance(b.loop, 4999);
    CHECK_INT(waits.done, 0);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(waits.done, 1);
    CHECK_INT(waits.answer.status, 502);
    CHECK_INT(refused.done, 0);
    CHECK_INT(fake_http_started(b.http), 2);
    fake_loop_advance(b.loop, 52000 + PACER_BACKOFF_MS);
    CHECK_INT(fake_http_started(b.http), 3);
    tear_down(&b);
}

/* How a call ends after one answer: resent, or done with it. */
static void check_resend(enum resend resend, struct http_answer answer, bool resent)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    start(&b, resend, &ended);
    fake_loop_settle(b.loop);
    answer.retry_after_s = -1;
    fake_http_answer(waiting(&b), answer);
    bool again = wait_for_request(&b, 3 * PACER_BACKOFF_MS) <= 3 * PACER_BACKOFF_MS;
    if (!CHECK(again == resent) || !CHECK_INT(ended.done, !resent))
        fprintf(stderr, "    resend %d, failure %d, status %ld, sent %d\n", (int)resend,
                (int)answer.failure, answer.status, answer.sent);
    bool answered = answer.failure == FAILURE_NONE && (answer.status < 500 || answer.status == 501);
    if (!resent)
        CHECK(ended.lost == (answer.sent && !answered));
    tear_down(&b);
}

static void test_what_is_sent_again(void)
{
    static const struct {
        struct http_answer answer;
        bool always, unsent;
    } rows[] = {
        {{.failure = FAILURE_UNREACHABLE}, true, true},
        {{.failure = FAILURE_TIMEOUT}, true, true},
        {{.failure = FAILURE_TIMEOUT, .sent = true}, true, false},
        {{.failure = FAILURE_BROKEN}, true, true},
        {{.failure = FAILURE_BROKEN, .sent = true}, true, false},
        {{.status = 500, .sent = true}, true, false},
        {{.status = 503, .sent = true}, true, false},
        {{.status = 504, .sent = true}, true, false},
        {{.status = 429, .sent = true}, true, true},
        {{.status = 501, .sent = true}, false, false},
        {{.status = 200, .sent = true}, false, false},
        {{.status = 400, .sent = true}, false, false},
        {{.status = 401, .sent = true}, false, false},
        {{.status = 404, .sent = true}, false, false},
        {{.failure = FAILURE_TLS}, false, false},
        {{.failure = FAILURE_TOO_LARGE, .sent = true}, false, false},
        {{.failure = FAILURE_MALFORMED, .sent = true}, false, false},
        {{.failure = FAILURE_MEMORY, .sent = true}, false, false},
        {{.failure = FAILURE_LIBRARY}, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_resend(RESEND_ALWAYS, rows[i].answer, rows[i].always);
        check_resend(RESEND_UNSENT, rows[i].answer, rows[i].unsent);
        check_resend(RESEND_NEVER, rows[i].answer, false);
    }
}

static void test_no_more_while_under_way(void)
{
    struct bench b;
    struct ended ended, waits;
    set_up(&b);
    struct client_call *call = start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_send(waiting(&b));
    call->resend = RESEND_NEVER;
    fake_http_answer_failure(waiting(&b), FAILURE_TIMEOUT, true);
    CHECK_INT(ended.done, 1);
    CHECK(ended.lost);
    /* One that waits for its next attempt makes that one, and none after it. */
    call = start(&b, RESEND_ALWAYS, &waits);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 503, NULL);
    call->resend = RESEND_NEVER;
    CHECK(wait_for_request(&b, PACER_BACKOFF_MS) <= PACER_BACKOFF_MS);
    fake_http_answer_status(waiting(&b), 503, NULL);
    CHECK_INT(waits.done, 1);
    CHECK_INT(fake_http_started(b.http), 3);
    tear_down(&b);
}

static void test_what_was_lost_stays_lost(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_failure(waiting(&b), FAILURE_BROKEN, true);
    wait_for_request(&b, PACER_BACKOFF_MS);
    fake_http_answer_status(waiting(&b), 404, NULL);
    CHECK_INT(ended.answer.status, 404);
    CHECK(ended.lost);
    tear_down(&b);
}

static void test_a_refused_key(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    /* The same key: no second attempt. */
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 401, NULL);
    CHECK_INT(ended.done, 1);
    CHECK_INT(b.readings_refused, 1);
    /* A new one: exactly one more attempt, at once, for a call that is otherwise not resent too. */
    start(&b, RESEND_UNSENT, &ended);
    fake_loop_settle(b.loop);
    b.new_key = "a new key";
    fake_http_answer_status(waiting(&b), 401, NULL);
    fake_loop_settle(b.loop);
    CHECK_STR(fake_http_key(b.http), "a new key");
    b.new_key = "another new key";
    fake_http_answer_status(waiting(&b), 401, NULL);
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 401);
    CHECK_INT(b.readings_refused, 2);
    CHECK_INT(fake_http_started(b.http), 3);
    /* One that cannot be read: as if it were the same. */
    b.unreadable = true;
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 401, NULL);
    CHECK_INT(ended.done, 1);
    tear_down(&b);
}

static void test_another_call_found_the_new_key(void)
{
    struct bench b;
    struct ended first, second;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &first);
    start(&b, RESEND_ALWAYS, &second);
    fake_loop_settle(b.loop);
    struct http_request *of_second = fake_http_waiting(b.http, 1);
    b.new_key = "a new key";
    fake_http_answer_status(waiting(&b), 401, NULL);
    /* For the second there is nothing to find any more, yet its key was the old one. */
    fake_http_answer_status(of_second, 401, NULL);
    CHECK_INT(second.done, 0);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), 4);
    fake_http_answer_status(waiting(&b), 200, NULL);
    fake_http_answer_status(waiting(&b), 200, NULL);
    CHECK_INT(first.answer.status, 200);
    CHECK_INT(second.answer.status, 200);
    tear_down(&b);
}

/* Fails attempts of one call until the circuit opens, and leaves that call waiting. */
static void open_circuit(struct bench *b, struct ended *ended)
{
    start(b, RESEND_ALWAYS, ended);
    unsigned failures = 0;
    uint64_t first = 0;
    while (!client_stats(b->client)->circuit_open && failures < 100) {
        CHECK(wait_for_request(b, PACER_BACKOFF_MAX_MS) <= PACER_BACKOFF_MAX_MS);
        if (failures++ == 0)
            first = loop_now(b->loop);
        fake_http_answer(waiting(b),
                         (struct http_answer){.status = 503, .sent = true, .retry_after_s = 1});
        bool due = failures >= CIRCUIT_FAILURES && loop_now(b->loop) - first >= CIRCUIT_MS;
        CHECK(client_stats(b->client)->circuit_open == due);
    }
}

static void test_the_circuit_opens_and_closes(void)
{
    struct bench b;
    struct ended under_way, refused, accepted;
    set_up(&b);
    open_circuit(&b, &under_way);
    CHECK_INT(client_stats(b.client)->circuit_opened, 1);
    unsigned started = fake_http_started(b.http);
    start(&b, RESEND_ALWAYS, &refused);
    fake_loop_turn(b.loop);
    CHECK_INT(refused.done, 1);
    CHECK_INT(refused.answer.status, 503);
    CHECK(!refused.lost && !refused.answer.sent);
    CHECK_INT(fake_http_started(b.http), started);
    /* The call that was under way goes on: its resend and the first probe. */
    CHECK_INT(under_way.done, 0);
    fake_loop_advance(b.loop, PACER_BACKOFF_MAX_MS);
    CHECK_INT(fake_http_started(b.http), started + 2);
    struct http_request *probe = find_probe(&b);
    CHECK(probe != NULL && strstr(probe->target, "00000000-0000-0000-0000-000000000000") != NULL);
    fake_http_answer_status(probe, 404, NULL);
    CHECK(!client_stats(b.client)->circuit_open);
    start(&b, RESEND_ALWAYS, &accepted);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), started + 3);
    tear_down(&b);
}

static void test_probes_become_rarer(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    open_circuit(&b, &ended);
    uint64_t want = CIRCUIT_PROBE_MS;
    unsigned at_most = 0;
    /* The call ends when its deadline is near, its attempts between the probes fail at once. */
    for (unsigned probes = 0; at_most < 3 && probes < 20; probes++) {
        uint64_t from = loop_now(b.loop);
        while (find_probe(&b) == NULL) {
            fake_loop_advance(b.loop, 1);
            struct http_request *r = find_waiting(&b);
            if (r != NULL)
                fake_http_answer_status(r, 503, NULL);
        }
        CHECK_INT(loop_now(b.loop) - from, want);
        fake_http_answer_failure(find_probe(&b), FAILURE_UNREACHABLE, false);
        CHECK(client_stats(b.client)->circuit_open);
        at_most += want == CIRCUIT_PROBE_MAX_MS;
        want = want * 2 < CIRCUIT_PROBE_MAX_MS ? want * 2 : CIRCUIT_PROBE_MAX_MS;
    }
    CHECK_INT(at_most, 3);
    tear_down(&b);
}

/* An answer to another call closes the circuit while the probe is out; it opens again before the
 * probe ends. There is still one probe at a time. */
static void test_one_probe_at_a_time(void)
{
    struct bench b;
    struct ended first, second;
    set_up(&b);
    open_circuit(&b, &first);
    fake_loop_advance(b.loop, PACER_BACKOFF_MAX_MS);
    struct http_request *probe = find_probe(&b);
    CHECK(probe != NULL);
    fake_http_answer_status(waiting(&b), 200, NULL);
    CHECK_INT(first.done, 1);
    CHECK(!client_stats(b.client)->circuit_open);
    start(&b, RESEND_ALWAYS, &second);
    fake_loop_settle(b.loop);
    while (!client_stats(b.client)->circuit_open) {
        struct http_request *r = find_waiting(&b);
        if (r != NULL)
            fake_http_answer(r, (struct http_answer){.status = 503, .retry_after_s = 1});
        fake_loop_advance(b.loop, 1);
    }
    fake_loop_advance(b.loop, 2 * CIRCUIT_PROBE_MS);
    unsigned probes = 0;
    for (unsigned n = 0; fake_http_waiting(b.http, n) != NULL; n++)
        probes += fake_http_waiting(b.http, n)->method == HTTP_GET;
    CHECK_INT(probes, 1);
    fake_http_answer_failure(probe, FAILURE_TIMEOUT, true);
    CHECK(client_stats(b.client)->circuit_open);
    tear_down(&b);
}

static void test_few_or_quick_failures_keep_the_circuit_closed(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    for (unsigned i = 0; i < 10 * CIRCUIT_FAILURES; i++) {
        start(&b, RESEND_NEVER, &ended);
        fake_loop_settle(b.loop);
        fake_http_answer_status(waiting(&b), 500, NULL);
    }
    CHECK(!client_stats(b.client)->circuit_open);
    /* An answer in between begins the count anew. */
    fake_loop_advance(b.loop, CIRCUIT_MS);
    start(&b, RESEND_NEVER, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 501, NULL);
    start(&b, RESEND_NEVER, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 500, NULL);
    CHECK(!client_stats(b.client)->circuit_open);
    tear_down(&b);
}

static void test_cancel_in_each_state(void)
{
    struct bench b;
    struct ended started, waits, attempted;
    set_up(&b);
    struct client_call *call = start(&b, RESEND_ALWAYS, &started);
    cancel(call);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), 0);

    call = start(&b, RESEND_ALWAYS, &waits);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 503, "{}");
    cancel(call);

    call = start(&b, RESEND_ALWAYS, &attempted);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_feed(waiting(&b), 200, "half an "), FAILURE_NONE);
    cancel(call);
    CHECK(fake_http_waiting(b.http, 0) == NULL);
    CHECK_INT(fake_loop_timers(b.loop), 0);
    CHECK_INT(started.done + waits.done + attempted.done, 0);
    CHECK_INT(client_stats(b.client)->under_way, 0);
    tear_down(&b);
}

/* client_free cancels what is under way in every state, without done. */
static void test_free_with_calls_under_way(void)
{
    struct bench b;
    struct ended ended[3];
    set_up(&b);
    start(&b, RESEND_ALWAYS, &ended[0]);
    fake_loop_settle(b.loop);
    fake_http_answer_status(waiting(&b), 503, NULL);
    start(&b, RESEND_ALWAYS, &ended[1]);
    fake_loop_turn(b.loop);
    start(&b, RESEND_ALWAYS, &ended[2]);
    tear_down(&b);
    for (unsigned i = 0; i < 3; i++)
        CHECK_INT(ended[i].done, 0);
}

static void test_an_attempt_that_cannot_start(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    fake_http_refuse(b.http, 1);
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.failure, FAILURE_MEMORY);
    CHECK(!ended.lost);
    /* After an attempt whose answer was lost, what that one may have done is not forgotten. */
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_failure(waiting(&b), FAILURE_BROKEN, true);
    fake_http_refuse(b.http, 1);
    fake_loop_advance(b.loop, PACER_BACKOFF_MS);
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.failure, FAILURE_MEMORY);
    CHECK(ended.lost);
    tear_down(&b);
}

static void test_a_body_beyond_its_maximum(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    static char piece[4096];
    memset(piece, 'x', sizeof piece - 1);
    for (size_t len = 0; len + sizeof piece - 1 <= CLIENT_BODY_MAX; len += sizeof piece - 1)
        CHECK_INT(fake_http_feed(waiting(&b), 200, piece), FAILURE_NONE);
    CHECK_INT(fake_http_feed(waiting(&b), 200, piece), FAILURE_TOO_LARGE);
    fake_http_answer_failure(waiting(&b), FAILURE_TOO_LARGE, true);
    CHECK_INT(ended.done, 1);
    tear_down(&b);
}

int main(void)
{
    test_a_call_that_is_answered();
    test_back_off();
    test_retry_after_of_an_outage();
    test_too_many_requests_hold_back_every_call();
    test_too_many_requests_without_a_time();
    test_deadline_before_the_next_attempt();
    test_deadline_passes_while_it_waits();
    test_what_is_sent_again();
    test_no_more_while_under_way();
    test_what_was_lost_stays_lost();
    test_a_refused_key();
    test_another_call_found_the_new_key();
    test_the_circuit_opens_and_closes();
    test_probes_become_rarer();
    test_one_probe_at_a_time();
    test_few_or_quick_failures_keep_the_circuit_closed();
    test_cancel_in_each_state();
    test_free_with_calls_under_way();
    test_an_attempt_that_cannot_start();
    test_a_body_beyond_its_maximum();
    return check_report();
}
