#include "fake_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct http {
    TAILQ_HEAD(, http_exchange) waiting; /* the oldest first */
    unsigned started, refuse;
    char key[HTTP_KEY_MAX];
};

struct http_exchange {
    TAILQ_ENTRY(http_exchange) link;
    struct http *http;
    struct http_request *request;
    bool sent;
    long status; /* of the answer that is arriving */
};

int http_new(struct loop *loop, const struct http_config *config, struct http **out)
{
    (void)loop, (void)config;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return -ENOMEM;
    TAILQ_INIT(&(*out)->waiting);
    return 0;
}

void http_free(struct http *h)
{
    if (h != NULL && !TAILQ_EMPTY(&h->waiting)) {
        fprintf(stderr, "http_free with a request under way\n");
        abort();
    }
    free(h);
}

int http_set_key(struct http *h, const char *key)
{
    snprintf(h->key, sizeof h->key, "%s", key);
    return 0;
}

int http_start(struct http *h, struct http_request *r)
{
    r->answer = (struct http_answer){.failure = FAILURE_MEMORY, .retry_after_s = -1};
    if (h->refuse > 0) {
        h->refuse--;
        return -ENOMEM;
    }
    struct http_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return -ENOMEM;
    x->http = h;
    x->request = r;
    TAILQ_INSERT_TAIL(&h->waiting, x, link);
    r->exchange = x;
    h->started++;
    return 0;
}

static void take_out(struct http_request *r)
{
    TAILQ_REMOVE(&r->exchange->http->waiting, r->exchange, link);
    free(r->exchange);
    r->exchange = NULL;
}

void http_cancel(struct http *h, struct http_request *r)
{
    (void)h;
    if (r->exchange != NULL)
        take_out(r);
}

void http_mask_key(const struct http *h, char *text)
{
    size_t len = strlen(h->key);
    for (char *at = text; len > 0 && (at = strstr(at, h->key)) != NULL;)
        memset(at, '*', len);
}

bool http_was_sent(const struct http_request *r)
{
    return r->exchange != NULL && r->exchange->sent;
}

long http_arriving_status(const struct http_request *r)
{
    return r->exchange->status;
}

struct http_request *fake_http_waiting(const struct http *h, unsigned n)
{
    struct http_exchange *x = TAILQ_FIRST(&h->waiting);
    while (x != NULL && n-- > 0)
        x = TAILQ_NEXT(x, link);
    return x != NULL ? x->request : NULL;
}

unsigned fake_http_started(const struct http *h)
{
    return h->started;
}

const char *fake_http_key(const struct http *h)
{
    return h->key;
}

void fake_http_send(struct http_request *r)
{
    r->exchange->sent = true;
}

enum failure fake_http_feed(struct http_request *r, long status, const char *bytes)
{
    r->exchange->sent = true;
    r->exchange->status = status;
    return r->data(r, bytes, strlen(bytes));
}

void fake_http_answer(struct http_request *r, struct http_answer answer)
{
    take_out(r);
    r->answer = answer;
    r->done(r);
}

void fake_http_answer_status(struct http_request *r, long status, const char *body)
{
    struct http_answer answer = {.status = status, .sent = true, .retry_after_s = -1};
    if (body != NULL)
        answer.failure = fake_http_feed(r, status, body);
    fake_http_answer(r, answer);
}

void fake_http_answer_failure(struct http_request *r, enum failure failure, bool sent)
{
    struct http_answer answer = {.failure = failure, .sent = sent, .retry_after_s = -1};
    snprintf(answer.reason, sizeof answer.reason, "%s", failure_text(failure));
    fake_http_answer(r, answer);
}

void fake_http_refuse(struct http *h, unsigned n)
{
    h->refuse = n;
}
