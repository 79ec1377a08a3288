/* Calls that wait for a look at the API key, and do not wait for one that hangs. */
#include "client_bench.h"

#include "check.h"

static void set_up(struct bench *b)
{
    bench_set_up(b);
    b->later = true;
    CHECK_INT(http_set_key(b->http, "old"), 0);
}

static void find_key(struct bench *b, const char *key)
{
    if (key != NULL)
        CHECK_INT(http_set_key(b->http, key), 0);
    client_rekeyed(b->client, key != NULL ? REKEY_CHANGED : REKEY_SAME, "");
    fake_loop_settle(b->loop);
}

static void test_a_call_waits_for_the_look(void)
{
    struct bench b;
    struct ended ended;
    set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended);
    fake_loop_settle(b.loop);
    CHECK_INT(b.readings, 1);
    CHECK_INT(fake_http_started(b.http), 0);
    find_key(&b, "new");
    CHECK_STR(fake_http_key(b.http), "new");
    fake_http_answer_status(bench_waiting(&b), 200, "");
    CHECK_INT(ended.done, 1);
    CHECK_INT(b.readings, 1);
    bench_tear_down(&b);
}

static void test_a_look_that_hangs(void)
{
    struct bench b;
    struct ended ended[3];
    set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended[0]);
    CHECK_INT(bench_wait(&b, BENCH_DEADLINE_MS), CLIENT_KEY_MS);
    fake_http_answer_status(bench_waiting(&b), 200, "");
    bench_start(&b, RESEND_ALWAYS, &ended[1]); /* it does not wait at all */
    CHECK_INT(bench_wait(&b, BENCH_DEADLINE_MS), 0);
    fake_http_answer_status(bench_waiting(&b), 401, ""); /* nor after that */
    CHECK_INT(ended[1].done, 1);
    CHECK_INT(b.readings, 1);
    find_key(&b, "new");
    bench_start(&b, RESEND_ALWAYS, &ended[2]);
    fake_loop_settle(b.loop);
    CHECK_INT(b.readings, 2);
    CHECK(bench_find(&b) == NULL);
    find_key(&b, NULL);
    fake_http_answer_status(bench_waiting(&b), 200, "");
    CHECK_INT(ended[2].done, 1);
    bench_tear_down(&b);
}

/* The look under way may have been too early for it. */
static void test_a_call_that_comes_during_a_look(void)
{
    struct bench b;
    struct ended ended[2];
    set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended[0]);
    fake_loop_settle(b.loop);
    bench_start(&b, RESEND_ALWAYS, &ended[1]);
    fake_loop_settle(b.loop);
    CHECK_INT(b.readings, 1);
    find_key(&b, NULL);
    CHECK_INT(b.readings, 2);
    CHECK_INT(fake_http_started(b.http), 1);
    find_key(&b, "new");
    CHECK_INT(fake_http_started(b.http), 2);
    CHECK_INT(b.readings, 2);
    bench_tear_down(&b);
}

static void test_a_refused_key(void)
{
    static const struct {
        bool hangs;
        const char *key;
        unsigned sent;
    } rows[] = {{false, "new", 2}, {false, NULL, 1}, {true, NULL, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b;
        struct ended ended;
        set_up(&b);
        bench_start(&b, RESEND_ALWAYS, &ended);
        fake_loop_settle(b.loop);
        find_key(&b, NULL);
        fake_http_answer_status(bench_waiting(&b), 401, "");
        fake_loop_settle(b.loop);
        CHECK_INT(ended.done, 0);
        CHECK_INT(b.readings_refused, 1);
        if (rows[i].hangs)
            fake_loop_advance(b.loop, CLIENT_KEY_MS);
        else
            find_key(&b, rows[i].key);
        CHECK_INT(fake_http_started(b.http), rows[i].sent);
        if (rows[i].sent == 2)
            fake_http_answer_status(bench_waiting(&b), 401, ""); /* that was the second time */
        CHECK_INT(ended.done, 1);
        CHECK_INT(ended.answer.status, 401);
        bench_tear_down(&b);
    }
}

static void test_a_deadline_that_is_near(void)
{
    struct bench b;
    struct ended ended[2];
    set_up(&b);
    bench_start(&b, RESEND_ALWAYS, &ended[0]);
    struct client_call *call = bench_start(&b, RESEND_ALWAYS, &ended[1]);
    call->deadline_ms = loop_now(b.loop) + CLIENT_KEY_MS;
    CHECK_INT(bench_wait(&b, BENCH_DEADLINE_MS), CLIENT_KEY_MS / 2);
    CHECK_INT(bench_waiting(&b)->timeout_ms, CLIENT_KEY_MS / 2);
    CHECK_INT(fake_http_started(b.http), 1); /* the other one has the time */
    bench_tear_down(&b);
}

static void test_cancel_and_free_while_it_waits(void)
{
    struct bench b;
    struct ended ended[2];
    set_up(&b);
    struct client_call *call = bench_start(&b, RESEND_ALWAYS, &ended[0]);
    bench_start(&b, RESEND_ALWAYS, &ended[1]);
    fake_loop_settle(b.loop);
    bench_cancel(call);
    find_key(&b, NULL); /* the other one waits for the next look */
    CHECK_INT(b.readings, 2);
    CHECK_INT(fake_http_started(b.http), 0);
    bench_tear_down(&b);
    CHECK_INT(ended[0].done + ended[1].done, 0);
}

int main(void)
{
    test_a_call_waits_for_the_look();
    test_a_look_that_hangs();
    test_a_call_that_comes_during_a_look();
    test_a_refused_key();
    test_a_deadline_that_is_near();
    test_cancel_and_free_while_it_waits();
    return check_report();
}
