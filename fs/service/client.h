/*
 * client: calls of the service that outlast single failures. A call is one operation with one
 * deadline; client.c sends it as often as it takes and is safe:
 *
 *   connection failure, 5xx but 501   resent after exponential back-off with full jitter
 *   429                               the pacer holds back every call, not its own alone
 *   Retry-After                       is the least delay; past the deadline the call ends at once
 *   401                               the key is read again, and the call resent if it changed
 *   RESEND_UNSENT                     is not resent once the service may have acted on it
 *   RESEND_NEVER                      is not resent, whatever comes: may be set while it is sent
 *
 * After CIRCUIT_FAILURES failed attempts in a row over at least CIRCUIT_MS the circuit opens: new
 * calls end at once with the last failure, calls under way go on, and a probe (a GET of an id that
 * does not exist) finds out when the service answers again.
 *
 * A struct client_call belongs to its caller from before client_start until done is called or
 * client_cancel returned. One thread.
 */
#ifndef BIGDATAFS_SERVICE_CLIENT_H
#define BIGDATAFS_SERVICE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/service/stats.h"
#include "http.h"

enum {
    CLIENT_BODY_MAX = 1 << 20,    /* bytes of an answer that the client collects */
    CLIENT_BACKOFF_MS = 200,      /* the first back-off is 0 to this, doubled each time ... */
    CLIENT_BACKOFF_MAX_MS = 8000, /* ... up to this */
    CIRCUIT_FAILURES = 5,
    CIRCUIT_MS = 5000,
    CIRCUIT_PROBE_MS = 1000, /* the first probe; doubled each time ... */
    CIRCUIT_PROBE_MAX_MS = 30000,
};

enum resend { RESEND_ALWAYS, RESEND_UNSENT, RESEND_NEVER };

struct client_call;
typedef void client_call_fn(struct client_call *call);

struct client_call {
    /* Set by the caller. */
    struct http_request request; /* method, target and the conditions; the rest is client.c's */
    enum resend resend;
    uint64_t deadline_ms; /* of loop_now */
    client_call_fn
        *before_send;   /* before every attempt: to forget what the last one left; may be NULL */
    http_data_fn *data; /* NULL: the body is collected in body */
    client_call_fn *done;
    void *arg;
    /* Results, for done. */
    struct http_answer answer; /* of the last attempt */
    struct buf body;           /* freed by client.c after done */
    unsigned attempts;
    bool lost; /* an attempt was sent and its answer never came: it may have been carried out */
    /* client.c's. */
    struct client *client;
    struct client_call *next, *prev;
    struct loop_timer timer;
    bool rekeyed;
    unsigned key; /* number of the key that the last attempt was sent with */
};

/* Reads the key and sets it with http_set_key when it changed: > 0 changed, 0 not, or a negative
 * errno, with a sentence in why if there is one. */
typedef int client_rekey_fn(void *arg, struct http *http, bool refused, char *why, size_t size);

struct client;

int client_new(struct loop *loop, struct http *http, struct log *log, client_rekey_fn *rekey,
               void *rekey_arg, struct client **out) MUST_CHECK;
void client_free(struct client *c); /* cancels what is under way, without done; NULL is fine */

/* done is called later, from the loop, always once. */
void client_start(struct client *c, struct client_call *call);
/* done will not be called. */
void client_cancel(struct client_call *call);

/* Takes the API key out of a text that the service sent. */
void client_mask_key(const struct client *c, char *text);

const struct service_stats *client_stats(const struct client *c);

#endif
