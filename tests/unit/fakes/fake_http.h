/*
 * fake_http: http.h without a network: requests are kept until the test answers them, in any order.
 * A request has no connection, so that nothing of it is sent, until the test says so.
 */
#ifndef BIGDATAFS_TESTS_FAKE_HTTP_H
#define BIGDATAFS_TESTS_FAKE_HTTP_H

#include "http.h"

/* http_new does not read its config: NULL. */

/* The n-th of the requests that wait, the oldest is 0; NULL when there are fewer. */
struct http_request *fake_http_waiting(const struct http *h, unsigned n);
/* Requests that were started so far, answered and cancelled ones too. */
unsigned fake_http_started(const struct http *h);
const char *fake_http_key(const struct http *h); /* "" for none */

/* The request gets its connection. */
void fake_http_send(struct http_request *r);
/* A piece of the body of an answer with this status arrives; what the taker of the body says. */
enum failure fake_http_feed(struct http_request *r, long status, const char *bytes);
/* Ends the request. Of answer what is not 0 counts, but retry_after_s, which is -1 for none. */
void fake_http_answer(struct http_request *r, struct http_answer answer);
/* Ends it, sent, with this status and, unless it is NULL, this body. */
void fake_http_answer_status(struct http_request *r, long status, const char *body);
/* Ends it, sent or not, without an answer. */
void fake_http_answer_failure(struct http_request *r, enum failure failure, bool sent);

/* The next n requests fail to start, with -ENOMEM. */
void fake_http_refuse(struct http *h, unsigned n);

#endif
