/* Calls that outlast failures, and those that must not be sent again. */
#include "client_bench.h"
#include "pacer.h"

#include "check.h"

static void test_a_call_that_is_answered(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended);
    CHECK_INT(fake_http_started(b.http), 0);
    CHECK_INT(client_stats(b.client)->under_way, 1);
    fake_loop_settle(b.loop);
    CHECK_INT(bench_waiting(&b)->timeout_ms, BENCH_DEADLINE_MS);
    fake_http_answer_status(bench_waiting(&b), 404, "{}");
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 404);
    CHECK(!ended.lost);
    CHECK_INT(client_stats(b.client)->requests, 1);
    CHECK_INT(client_stats(b.client)->failed, 0);
    CHECK_INT(client_stats(b.client)->under_way, 0);
    CHECK_INT(b.readings, 1);
    bench_tear_down(&b);
}

/* How a call ends after one answer: resent, or done with it. */
static void check_resend(enum resend resend, struct http_answer answer, bool resent)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    bench_start(&b, resend, &ended);
    fake_loop_settle(b.loop);
    answer.retry_after_s = -1;
    fake_http_answer(bench_waiting(&b), answer);
    bool again = bench_wait(&b, 3 * PACER_BACKOFF_MS) <= 3 * PACER_BACKOFF_MS;
    if (!CHECK(again == resent) || !CHECK_INT(ended.done, !resent))
        fprintf(stderr, "    resend %d, failure %d, status %ld, sent %d\n", (int)resend,
                (int)answer.failure, answer.status, answer.sent);
    bool answered = answer.failure == FAILURE_NONE && (answer.status < 500 || answer.status == 501);
    if (!resent)
        CHECK(ended.lost == (answer.sent && !answered));
    bench_tear_down(&b);
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
    bench_set_up(&b);
    struct client_call *call = bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_send(bench_waiting(&b));
    call->resend = RESEND_NEVER;
    fake_http_answer_failure(bench_waiting(&b), FAILURE_TIMEOUT, true);
    CHECK_INT(ended.done, 1);
    CHECK(ended.lost);
    /* One that waits for its next attempt makes that one, and none after it. */
    call = bench_start(&b, RESEND_ALWAYS, &waits);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 503, NULL);
    call->resend = RESEND_NEVER;
    CHECK(bench_wait(&b, PACER_BACKOFF_MS) <= PACER_BACKOFF_MS);
    fake_http_answer_status(bench_waiting(&b), 503, NULL);
    CHECK_INT(waits.done, 1);
    CHECK_INT(fake_http_started(b.http), 3);
    bench_tear_down(&b);
}

static void test_what_was_lost_stays_lost(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_failure(bench_waiting(&b), FAILURE_BROKEN, true);
    bench_wait(&b, PACER_BACKOFF_MS);
    fake_http_answer_status(bench_waiting(&b), 404, NULL);
    CHECK_INT(ended.answer.status, 404);
    CHECK(ended.lost);
    bench_tear_down(&b);
}

static void test_a_refused_key(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    /* The same key: no second attempt. */
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 401, NULL);
    CHECK_INT(ended.done, 1);
    CHECK_INT(b.readings_refused, 1);
    /* A new one: exactly one more attempt, at once, for a call that is otherwise not resent too. */
    bench_start(&b, RESEND_UNSENT, &ended);
    fake_loop_settle(b.loop);
    b.new_key = "a new key";
    fake_http_answer_status(bench_waiting(&b), 401, NULL);
    fake_loop_settle(b.loop);
    CHECK_STR(fake_http_key(b.http), "a new key");
    b.new_key = "another new key";
    fake_http_answer_status(bench_waiting(&b), 401, NULL);
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.status, 401);
    CHECK_INT(b.readings_refused, 2);
    CHECK_INT(fake_http_started(b.http), 3);
    /* One that cannot be read: as if it were the same. */
    b.unreadable = true;
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 401, NULL);
    CHECK_INT(ended.done, 1);
    bench_tear_down(&b);
}

static void test_another_call_found_the_new_key(void)
{
    struct bench b;
    struct ended first, second;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &first);
    bench_start(&b, RESEND_ALWAYS, &second);
    fake_loop_settle(b.loop);
    struct http_request *of_second = fake_http_waiting(b.http, 1);
    b.new_key = "a new key";
    fake_http_answer_status(bench_waiting(&b), 401, NULL);
    /* For the second there is nothing to find any more, yet its key was the old one. */
    fake_http_answer_status(of_second, 401, NULL);
    CHECK_INT(second.done, 0);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), 4);
    fake_http_answer_status(bench_waiting(&b), 200, NULL);
    fake_http_answer_status(bench_waiting(&b), 200, NULL);
    CHECK_INT(first.answer.status, 200);
    CHECK_INT(second.answer.status, 200);
    bench_tear_down(&b);
}

static void test_cancel_in_each_state(void)
{
    struct bench b;
    struct ended started, waits, attempted;
    bench_set_up(&b);
    struct client_call *call = bench_start(&b, RESEND_ALWAYS, &started);
    bench_cancel(call);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), 0);

    call = bench_start(&b, RESEND_ALWAYS, &waits);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 503, "{}");
    bench_cancel(call);

    call = bench_start(&b, RESEND_ALWAYS, &attempted);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_feed(bench_waiting(&b), 200, "half an "), FAILURE_NONE);
    bench_cancel(call);
    CHECK(fake_http_waiting(b.http, 0) == NULL);
    CHECK_INT(fake_loop_timers(b.loop), 0);
    CHECK_INT(started.done + waits.done + attempted.done, 0);
    CHECK_INT(client_stats(b.client)->under_way, 0);
    bench_tear_down(&b);
}

/* client_free cancels what is under way in every state, without done. */
static void test_free_with_calls_under_way(void)
{
    struct bench b;
    struct ended ended[3];
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended[0]);
    fake_loop_settle(b.loop);
    fake_http_answer_status(bench_waiting(&b), 503, NULL);
    bench_start(&b, RESEND_ALWAYS, &ended[1]);
    fake_loop_turn(b.loop);
    bench_start(&b, RESEND_ALWAYS, &ended[2]);
    bench_tear_down(&b);
    for (unsigned i = 0; i < 3; i++)
        CHECK_INT(ended[i].done, 0);
}

static void test_an_attempt_that_cannot_start(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    fake_http_refuse(b.http, 1);
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.failure, FAILURE_MEMORY);
    CHECK(!ended.lost);
    /* After an attempt whose answer was lost, what that one may have done is not forgotten. */
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    fake_http_answer_failure(bench_waiting(&b), FAILURE_BROKEN, true);
    fake_http_refuse(b.http, 1);
    fake_loop_advance(b.loop, PACER_BACKOFF_MS);
    CHECK_INT(ended.done, 1);
    CHECK_INT(ended.answer.failure, FAILURE_MEMORY);
    CHECK(ended.lost);
    bench_tear_down(&b);
}

static void test_a_body_beyond_its_maximum(void)
{
    struct bench b;
    struct ended ended;
    bench_set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    static char piece[4096];
    memset(piece, 'x', sizeof piece - 1);
    for (size_t len = 0; len + sizeof piece - 1 <= CLIENT_BODY_MAX; len += sizeof piece - 1)
        CHECK_INT(fake_http_feed(bench_waiting(&b), 200, piece), FAILURE_NONE);
    CHECK_INT(fake_http_feed(bench_waiting(&b), 200, piece), FAILURE_TOO_LARGE);
    fake_http_answer_failure(bench_waiting(&b), FAILURE_TOO_LARGE, true);
    CHECK_INT(ended.done, 1);
    bench_tear_down(&b);
}

int main(void)
{
    test_a_call_that_is_answered();
    test_what_is_sent_again();
    test_no_more_while_under_way();
    test_what_was_lost_stays_lost();
    test_a_refused_key();
    test_another_call_found_the_new_key();
    test_cancel_in_each_state();
    test_free_with_calls_under_way();
    test_an_attempt_that_cannot_start();
    test_a_body_beyond_its_maximum();
    return check_report();
}
