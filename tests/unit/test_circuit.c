/* Whether it is worth asking the service. */
#include "circuit.h"

#include "check.h"
#include "client_bench.h"
#include "pacer.h"

/* Fails attempts of one call until the circuit opens, and leaves that call waiting. */
static void open_circuit(struct bench *b, struct ended *ended)
{
    bench_start(b, RESEND_ALWAYS, ended);
    unsigned failures = 0;
    uint64_t first = 0;
    while (!client_stats(b->client)->circuit_open && failures < 100) {
        CHECK(bench_wait(b, PACER_BACKOFF_MAX_MS) <= PACER_BACKOFF_MAX_MS);
        if (failures++ == 0)
            first = loop_now(b->loop);
        fake_http_answer(bench_waiting(b),
                         (struct http_answer){.status = 503, .sent = true, .retry_after_s = 1});
        bool due = failures >= CIRCUIT_FAILURES && loop_now(b->loop) - first >= CIRCUIT_MS;
        CHECK(client_stats(b->client)->circuit_open == due);
    }
}

static void test_the_circuit_opens_and_closes(void)
{
    struct bench b;
    struct ended under_way, refused, accepted;
    bench_set_up(&b);
    open_circuit(&b, &under_way);
    CHECK_INT(client_stats(b.client)->circuit_opened, 1);
    unsigned started = fake_http_started(b.http);
    bench_start(&b, RESEND_ALWAYS, &refused);
    fake_loop_turn(b.loop);
    CHECK_INT(refused.done, 1);
    CHECK_INT(refused.answer.status, 503);
    CHECK(!refused.lost && !refused.answer.sent);
    CHECK_INT(fake_http_started(b.http), started);
    /* The call that was under way goes on: its resend and the first probe. */
    CHECK_INT(under_way.done, 0);
    fake_loop_advance(b.loop, PACER_BACKOFF_MAX_MS);
    CHECK_INT(fake_http_started(b.http), started + 2);
    struct http_request *probe = bench_probe(&b);
    CHECK(probe != NULL && strstr(probe->target, "00000000-0000-0000-0000-000000000000") != NULL);
    fake_http_answer_status(probe, 404, NULL);
    CHECK(!client_stats(b.client)->circuit_open);
    bench_start(&b, RESEND_ALWAYS, &accepted);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), started + 3);
    bench_tear_down(&b);
}

static void test_probes_become_rarer(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    open_circuit(&b, &ended);
    uint64_t want = CIRCUIT_PROBE_MS;
    unsigned at_most = 0;
    /* The call ends when its deadline is near, its attempts between the probes fail at once. */
    for (unsigned probes = 0; at_most < 3 && probes < 20; probes++) {
        uint64_t from = loop_now(b.loop);
        while (bench_probe(&b) == NULL) {
            fake_loop_advance(b.loop, 1);
            struct http_request *r = bench_find(&b);
            if (r != NULL)
                fake_http_answer_status(r, 503, NULL);
        }
        CHECK_INT(loop_now(b.loop) - from, want);
        fake_http_answer_failure(bench_probe(&b), FAILURE_UNREACHABLE, false);
        CHECK(client_stats(b.client)->circuit_open);
        at_most += want == CIRCUIT_PROBE_MAX_MS;
        want = want * 2 < CIRCUIT_PROBE_MAX_MS ? want * 2 : CIRCUIT_PROBE_MAX_MS;
    }
    CHECK_INT(at_most, 3);
    bench_tear_down(&b);
}

/* An answer to another call closes the circuit while the probe is out; it opens again before the
 * probe ends. There is still one probe at a time. */
static void test_one_probe_at_a_time(void)
{
    struct bench b;
    struct ended first, second;
    bench_set_up(&b);
    open_circuit(&b, &first);
    fake_loop_advance(b.loop, PACER_BACKOFF_MAX_MS);
    struct http_request *probe = bench_probe(&b);
    CHECK(probe != NULL);
    fake_http_answer_status(bench_waiting(&b), 200, NULL);
    CHECK_INT(first.done, 1);
    CHECK(!client_stats(b.client)->circuit_open);
    bench_start(&b, RESEND_ALWAYS, &second);
    fake_loop_settle(b.loop);
    while (!client_stats(b.client)->circuit_open) {
        struct http_request *r = bench_find(&b);
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
    bench_tear_down(&b);
}

static void test_few_or_quick_failures_keep_the_circuit_closed(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    for (unsigned i = 0; i < 10 * CIRCUIT_FAILURES; i++) {
        bench_start(&b, RESEND_NEVER, &ended);
        fake_loop_settle(b.loop);
        fake_http_answer_status(bench_waiting(&b), 500, NULL);
    }
    CHECK(!client_stats(b.client)->circuit_open);
    /* An answer in between begins the count anew. */
    fake_loop_advance(b.loop, CIRCUIT_MS);
    bench_start(&b, RESEND_NEVER, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 501, NULL);
    bench_start(&b, RESEND_NEVER, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 500, NULL);
    CHECK(!client_stats(b.client)->circuit_open);
    bench_tear_down(&b);
}

static void test_few_failures_over_a_long_time(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    for (unsigned i = 1; i <= CIRCUIT_FAILURES; i++) {
        bench_start(&b, RESEND_NEVER, &ended);
        fake_loop_settle(b.loop);
        fake_http_answer_status(bench_waiting(&b), 500, NULL);
        CHECK(client_stats(b.client)->circuit_open == (i == CIRCUIT_FAILURES));
        fake_loop_advance(b.loop, CIRCUIT_MS);
    }
    bench_tear_down(&b);
}

int main(void)
{
    test_the_circuit_opens_and_closes();
    test_probes_become_rarer();
    test_one_probe_at_a_time();
    test_few_or_quick_failures_keep_the_circuit_closed();
    test_few_failures_over_a_long_time();
    return check_report();
}
