#include "client_bench.h"

#include <stdio.h>
#include <stdlib.h>

struct bench_call {
    struct client_call call;
    LIST_ENTRY(bench_call) link;
    struct ended *ended;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "client_bench: failed: %s\n", what);
    abort();
}

static enum rekey on_rekey(void *arg, struct http *http, bool refused, char *why, size_t size)
{
    struct bench *b = arg;
    b->readings++;
    b->readings_refused += refused;
    if (b->later)
        return REKEY_LATER;
    if (b->unreadable) {
        snprintf(why, size, "for the test");
        return REKEY_FAILED;
    }
    if (b->new_key == NULL)
        return REKEY_SAME;
    must(http_set_key(http, b->new_key) == 0, "http_set_key");
    b->new_key = NULL;
    return REKEY_CHANGED;
}

void bench_set_up(struct bench *b)
{
    *b = (struct bench){0};
    LIST_INIT(&b->calls);
    log_init(&b->log, LOG_EMERG);
    must(loop_new(&b->loop) == 0, "loop_new");
    must(http_new(b->loop, NULL, &b->http) == 0, "http_new");
    struct client_parts parts = {
        .loop = b->loop, .log = &b->log, .http = b->http, .rekey = on_rekey, .rekey_arg = b};
    must(client_new(&parts, &b->client) == 0, "client_new");
}

static void call_free(struct bench_call *own)
{
    LIST_REMOVE(own, link);
    free(own);
}

void bench_tear_down(struct bench *b)
{
    client_free(b->client);
    must(fake_loop_timers(b->loop) == 0, "no timer after client_free");
    while (!LIST_EMPTY(&b->calls))
        call_free(LIST_FIRST(&b->calls));
    http_free(b->http);
    loop_free(b->loop);
}

static void on_done(struct client_call *call)
{
    struct bench_call *own = call->arg;
    own->ended->done++;
    own->ended->answer = call->answer;
    own->ended->lost = call->lost;
    call_free(own);
}

struct client_call *bench_start(struct bench *b, enum resend resend, struct ended *ended)
{
    struct bench_call *own = calloc(1, sizeof *own);
    must(own != NULL, "memory");
    *ended = (struct ended){0};
    own->ended = ended;
    LIST_INSERT_HEAD(&b->calls, own, link);
    own->call.request.method = HTTP_DELETE;
    own->call.resend = resend;
    own->call.deadline_ms = loop_now(b->loop) + BENCH_DEADLINE_MS;
    own->call.done = on_done;
    own->call.arg = own;
    client_start(b->client, &own->call);
    return &own->call;
}

void bench_cancel(struct client_call *call)
{
    client_cancel(call);
    call_free(call->arg);
}

static struct http_request *find(struct bench *b, enum http_method method)
{
    struct http_request *r;
    for (unsigned n = 0; (r = fake_http_waiting(b->http, n)) != NULL; n++)
        if (r->method == method)
            return r;
    return NULL;
}

struct http_request *bench_probe(struct bench *b)
{
    return find(b, HTTP_GET);
}

struct http_request *bench_find(struct bench *b)
{
    return find(b, HTTP_DELETE);
}

struct http_request *bench_waiting(struct bench *b)
{
    struct http_request *r = bench_find(b);
    must(r != NULL, "a request that waits");
    return r;
}

uint64_t bench_wait(struct bench *b, uint64_t most)
{
    uint64_t from = loop_now(b->loop);
    fake_loop_settle(b->loop);
    while (bench_find(b) == NULL && loop_now(b->loop) - from <= most)
        fake_loop_advance(b->loop, 1);
    return loop_now(b->loop) - from;
}
