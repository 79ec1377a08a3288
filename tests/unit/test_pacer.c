/* When the attempts of calls are made. */
#include "pacer.h"

#include "check.h"
#include "client_bench.h"

/* The pauses are within their range, reach into the upper half of it, and double up to the most. */
static void test_back_off(void)
{
    enum { CALLS = 60, ATTEMPTS = 8 };
    uint64_t longest[ATTEMPTS] = {0};
    for (unsigned n = 0; n < CALLS; n++) {
        struct bench b;
        struct ended ended;
        bench_set_up(&b);
        bench_start(&b, RESEND_ALWAYS, &ended);
        uint64_t most = PACER_BACKOFF_MS;
        for (unsigned i = 0; i < ATTEMPTS; i++) {
            CHECK(bench_wait(&b, 0) == 0);
            fake_http_answer_status(bench_waiting(&b), 503, NULL);
            uint64_t took = bench_wait(&b, most);
            CHECK(took <= most);
            longest[i] = took > longest[i] ? took : longest[i];
            most = most * 2 < PACER_BACKOFF_MAX_MS ? most * 2 : PACER_BACKOFF_MAX_MS;
        }
        CHECK_INT(ended.done, 0);
        bench_tear_down(&b);
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
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer(bench_waiting(&b), (struct http_answer){.status = 503, .retry_after_s = 7});
    fake_loop_advance(b.loop, 6999);
    CHECK_INT(fake_http_started(b.http), 1);
    /* It holds back this call alone. */
    bench_start(&b, RESEND_ALWAYS, &other);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), 2);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(fake_http_started(b.http), 3);
    bench_tear_down(&b);
}

static void test_too_many_requests_hold_back_every_call(void)
{
    struct bench b;
    struct ended first, second, third;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &first);
    bench_start(&b, RESEND_ALWAYS, &second);
    fake_loop_settle(b.loop);
    fake_http_answer(bench_waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 5});
    CHECK_INT(client_stats(b.client)->paced_until_ms, loop_now(b.loop) + 5000);
    /* The call that is under way is not called back, but is not sent again either. */
    fake_http_answer_failure(bench_waiting(&b), FAILURE_UNREACHABLE, false);
    bench_start(&b, RESEND_ALWAYS, &third);
    fake_loop_advance(b.loop, 4999);
    CHECK_INT(fake_http_started(b.http), 2);
    fake_loop_advance(b.loop, 1 + PACER_BACKOFF_MS);
    CHECK_INT(fake_http_started(b.http), 5);
    CHECK_INT(first.done + second.done + third.done, 0);
    bench_tear_down(&b);
}

/* A later, shorter hold does not end the longer one. */
static void test_the_longest_hold_counts(void)
{
    struct bench b;
    struct ended first, second;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &first);
    bench_start(&b, RESEND_ALWAYS, &second);
    fake_loop_settle(b.loop);
    fake_http_answer(bench_waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 10});
    fake_http_answer(bench_waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 1});
    fake_loop_advance(b.loop, 9999);
    CHECK_INT(fake_http_started(b.http), 2);
    fake_loop_advance(b.loop, 1 + PACER_BACKOFF_MS);
    CHECK_INT(fake_http_started(b.http), 4);
    bench_tear_down(&b);
}

/* What a hold has gathered does not come back all at once. */
static void test_the_end_of_a_hold_is_spread(void)
{
    enum { CALLS = 100 };
    struct bench b;
    struct ended ended[CALLS];
    bench_set_up(&b);
    for (unsigned i = 0; i < CALLS; i++)
        bench_start(&b, RESEND_ALWAYS, &ended[i]);
    fake_loop_settle(b.loop);
    for (unsigned i = 0; i < CALLS; i++)
        fake_http_answer(bench_waiting(&b),
                         (struct http_answer){.status = 429, .retry_after_s = 2});
    fake_loop_advance(b.loop, 2000 + PACER_BACKOFF_MS / 4);
    unsigned early = fake_http_started(b.http) - CALLS;
    CHECK(early > 0 && early < CALLS / 2);
    fake_loop_advance(b.loop, PACER_BACKOFF_MS);
    CHECK_INT(fake_http_started(b.http), 2 * CALLS);
    bench_tear_down(&b);
}

static void test_too_many_requests_without_a_time(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 429, NULL);
    uint64_t took = bench_wait(&b, 3 * PACER_BACKOFF_MS);
    CHECK(took >= PACER_BACKOFF_MS && took < 3 * PACER_BACKOFF_MS);
    fake_http_answer_status(bench_waiting(&b), 204, NULL);
    CHECK_INT(ended.answer.status, 204);
    CHECK_INT(client_stats(b.client)->failed, 1);
    bench_tear_down(&b);
}

static void test_deadline_before_the_next_attempt(void)
{
    struct bench b;
    struct ended ended, held;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer(bench_waiting(&b),
                     (struct http_answer){
                         .status = 503, .sent = true, .retry_after_s = BENCH_DEADLINE_MS / 1000});
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 503);
    CHECK(ended.lost);

    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer(bench_waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 3000});
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 429);
    CHECK(!ended.lost);
    /* One that starts now is never sent: it ends with the refusal, in its first turn. */
    bench_start(&b, RESEND_ALWAYS, &held);
    fake_loop_turn(b.loop);
    CHECK_INT(held.done, 1);
    CHECK_INT(held.answer.status, 429);
    CHECK_INT(fake_http_started(b.http), 2);
    bench_tear_down(&b);
}

/* A hold that comes while a call waits for its own time moves that time, or ends the call. */
static void test_deadline_passes_while_it_waits(void)
{
    struct bench b;
    struct ended waits, refused;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &waits);
    fake_loop_settle(b.loop);
    fake_http_answer(bench_waiting(&b), (struct http_answer){.status = 502, .retry_after_s = 10});
    fake_loop_advance(b.loop, 5000);
    bench_start(&b, RESEND_ALWAYS, &refused);
    fake_loop_settle(b.loop);
    fake_http_answer(bench_waiting(&b), (struct http_answer){.status = 429, .retry_after_s = 57});
    fake_loop_advance(b.loop, 4999);
    CHECK_INT(waits.done, 0);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(waits.done, 1);
    CHECK_INT(waits.answer.status, 502);
    CHECK_INT(refused.done, 0);
    CHECK_INT(fake_http_started(b.http), 2);
    fake_loop_advance(b.loop, 52000 + PACER_BACKOFF_MS);
    CHECK_INT(fake_http_started(b.http), 3);
    bench_tear_down(&b);
}

int main(void)
{
    test_back_off();
    test_retry_after_of_an_outage();
    test_too_many_requests_hold_back_every_call();
    test_the_longest_hold_counts();
    test_the_end_of_a_hold_is_spread();
    test_too_many_requests_without_a_time();
    test_deadline_before_the_next_attempt();
    test_deadline_passes_while_it_waits();
    return check_report();
}
