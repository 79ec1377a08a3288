/*
 * client_bench: a client on a fake http and a fake loop, and calls to test it with: DELETEs, so
 * that the circuit's probe is the only GET.
 */
#ifndef BIGDATAFS_TESTS_CLIENT_BENCH_H
#define BIGDATAFS_TESTS_CLIENT_BENCH_H

#include "client.h"
#include "fakes/fake_http.h"
#include "fakes/fake_loop.h"

enum { BENCH_DEADLINE_MS = 60000 };

struct bench {
    struct loop *loop;
    struct http *http;
    struct log log; /* says nothing */
    struct client *client;
    const char *new_key; /* that the next reading of the key finds, or NULL */
    bool unreadable;     /* the key cannot be read */
    bool later;          /* the test tells what a reading finds, with client_rekeyed */
    unsigned readings, readings_refused;
    LIST_HEAD(, bench_call) calls; /* that have not ended */
};

/* How a call ended. */
struct ended {
    unsigned done;
    struct http_answer answer;
    bool lost;
};

void bench_set_up(struct bench *b);
/* Frees the client with what is under way; aborts the test if that leaves a timer. */
void bench_tear_down(struct bench *b);

/* Starts a call, whose end is told in *ended. It has memory of its own, which is freed in done, so
 * that the sanitizers see whatever touches it after that. */
struct client_call *bench_start(struct bench *b, enum resend resend, struct ended *ended);
void bench_cancel(struct client_call *call);

/* The probe, if it waits for its answer; else NULL. */
struct http_request *bench_probe(struct bench *b);
/* The oldest request of a call that waits for its answer; NULL when none does. */
struct http_request *bench_find(struct bench *b);
/* The same, where there must be one: else it aborts the test. */
struct http_request *bench_waiting(struct bench *b);
/* Moves the clock on until a request of a call waits, at most so long: how long it took, or most
 * + 1. */
uint64_t bench_wait(struct bench *b, uint64_t most);

#endif
