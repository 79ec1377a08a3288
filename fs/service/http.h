/*
 * http: single HTTP exchanges with one service through libcurl's multi interface, driven by the
 * loop. Each makes one attempt. Whether to send again is client.c's decision. libcurl would make it
 * by itself, silently, when a reused connection turns out dead: for a DELETE it is kept from that.
 *
 * A struct http_request belongs to its caller, who keeps it alive from http_start until done is
 * called or http_cancel returned. Redirects are never followed, certificates always verified.
 */
#ifndef BIGDATAFS_SERVICE_HTTP_H
#define BIGDATAFS_SERVICE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/loop.h"

enum {
    HTTP_TARGET_MAX = 160,      /* path and query of a request */
    HTTP_URL_MAX = 2048,        /* of a request, with the NUL */
    HTTP_KEY_MAX = 4096,        /* bytes of an API key */
    HTTP_KEY_SECRET_MIN = 8,    /* a shorter one is no secret, and part of any text */
    HTTP_CONNECT_MS = 5000,     /* to connect, TLS handshake included */
    HTTP_READS_MAX = 64,        /* connections for GETs; what is more waits for one */
    HTTP_RETRY_AFTER_MAX = 3600 /* seconds; a longer Retry-After is cut to it */
};

struct http_config {
    const char *base_url;    /* without a final slash */
    const char *unix_socket; /* path, or NULL */
    const char *ca_file;     /* certificates to trust in place of the system's, or NULL */
    bool local;              /* loopback or Unix socket: no proxy */
    unsigned connections;    /* at most, HTTP_READS_MAX aside */
};

enum http_method { HTTP_GET, HTTP_DELETE };

struct http_request;

/* A piece of the body. A failure ends the exchange with it; FAILURE_NONE goes on. */
typedef enum failure http_data_fn(struct http_request *r, const char *bytes, size_t len);
/* The end of the exchange, called from the loop; r->answer is set, r may be freed. */
typedef void http_done_fn(struct http_request *r);

struct http_request {
    enum http_method method;
    char target[HTTP_TARGET_MAX];
    char if_none_match[ANSWER_TOKEN_MAX];     /* "" for none */
    char if_modified_since[ANSWER_TOKEN_MAX]; /* "" for none */
    uint64_t timeout_ms;                      /* for this attempt, > 0 */
    http_data_fn *data;
    http_done_fn *done;
    void *arg;
    struct http_answer answer;
    struct http_exchange *exchange; /* http.c's; NULL when not under way */
};

struct http;

int http_new(struct loop *loop, const struct http_config *config, struct http **out) MUST_CHECK;
void http_free(struct http *h); /* nothing may be under way; NULL is fine */

/* The key is copied, and zeroed in http_free and when replaced. */
int http_set_key(struct http *h, const char *key) MUST_CHECK;

/* done is never called from within. A negative errno means that it will not be: nothing was sent,
 * and r->answer has the failure. */
int http_start(struct http *h, struct http_request *r) MUST_CHECK;
void http_cancel(struct http *h, struct http_request *r);

/* Overwrites the API key, wherever it stands in a text, with asterisks. */
void http_mask_key(const struct http *h, char *text);

/* Whether the service may have any of the request: false as long as it waits for a connection, and
 * when it is not under way. */
bool http_was_sent(const struct http_request *r);

/* The status of the answer that is arriving: for the data callback. */
long http_arriving_status(const struct http_request *r);

#endif
