#include "http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "multi.h"

#define KEY_HEADER "X-API-KEY: "

struct http {
    struct loop *loop;
    struct multi *multi;
    struct http_config config; /* strings are copies */
    char *key_header;
};

struct http_exchange {
    struct http *http;
    struct http_request *request;
    CURL *easy;
    struct curl_slist *headers;
    enum failure data_failure;
    bool headers_ended;
    bool rests;  /* no more of the body is taken before the next turn of the loop */
    bool paused; /* libcurl has more of the body and was told to wait for that turn */
    struct loop_timer rest;
    unsigned sends; /* how often libcurl was about to send the request */
    char reason[CURL_ERROR_SIZE];
};

/* What each of libcurl's codes means; FAILURE_BROKEN for those that are not in it. The further way
 * to errno and to the hints is that of failure.c. */
static const struct {
    CURLcode code;
    enum failure failure;
} failures[] = {
    {CURLE_OK, FAILURE_NONE},
    {CURLE_COULDNT_RESOLVE_HOST, FAILURE_UNREACHABLE},
    {CURLE_COULDNT_RESOLVE_PROXY, FAILURE_UNREACHABLE},
    {CURLE_COULDNT_CONNECT, FAILURE_UNREACHABLE},
    {CURLE_OPERATION_TIMEDOUT, FAILURE_TIMEOUT},
    {CURLE_SSL_CONNECT_ERROR, FAILURE_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, FAILURE_TLS},
    {CURLE_SSL_CERTPROBLEM, FAILURE_TLS},
    {CURLE_SSL_CIPHER, FAILURE_TLS},
    {CURLE_SSL_CACERT_BADFILE, FAILURE_TLS},
    {CURLE_SSL_ISSUER_ERROR, FAILURE_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, FAILURE_TLS},
    {CURLE_SSL_ENGINE_INITFAILED, FAILURE_TLS},
    {CURLE_USE_SSL_FAILED, FAILURE_TLS},
    {CURLE_BAD_CONTENT_ENCODING, FAILURE_MALFORMED},
    {CURLE_OUT_OF_MEMORY, FAILURE_MEMORY},
    {CURLE_FAILED_INIT, FAILURE_LIBRARY},
    {CURLE_UNKNOWN_OPTION, FAILURE_LIBRARY},
    {CURLE_NOT_BUILT_IN, FAILURE_LIBRARY},
    {CURLE_BAD_FUNCTION_ARGUMENT, FAILURE_LIBRARY},
    {CURLE_UNSUPPORTED_PROTOCOL, FAILURE_LIBRARY},
};

static enum failure failure_of(CURLcode code)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].code == code)
            return failures[i].failure;
    return FAILURE_BROKEN;
}

static void copy_token(char *to, size_t size, const char *from)
{
    size_t len = strlen(from);
    if (len < size)
        memcpy(to, from, len + 1);
}

static void copy_header(CURL *easy, const char *name, char *to, size_t size)
{
    struct curl_header *header;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        copy_token(to, size, header->value);
}

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *s = headers; s != NULL; s = s->next)
        explicit_bzero(s->data, strlen(s->data));
    curl_slist_free_all(headers);
}

static void exchange_free(struct http_exchange *x)
{
    loop_timer_clear(&x->rest);
    if (x->easy != NULL) {
        multi_remove(x->http->multi, x->easy);
        curl_easy_cleanup(x->easy);
    }
    free_headers(x->headers);
    free(x);
}

static void fill_answer(struct http_exchange *x, CURLcode code)
{
    struct http_answer *a = &x->request->answer;
    *a = (struct http_answer){.failure = failure_of(code), .retry_after_s = -1};
    a->sent = x->sends > 0;
    if (x->data_failure != FAILURE_NONE)
        a->failure = x->data_failure;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &a->status);
    if (a->failure == FAILURE_NONE && !x->headers_ended) {
        a->failure = FAILURE_BROKEN;
        snprintf(x->reason, sizeof x->reason, "the answer ended inside its headers");
    }
    if (a->failure != FAILURE_NONE) {
        snprintf(a->reason, sizeof a->reason, "%s",
                 x->reason[0] != '\0' ? x->reason : curl_easy_strerror(code));
        return;
    }
    curl_off_t retry_after = 0;
    struct curl_header *header;
    if (curl_easy_header(x->easy, "retry-after", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
        a->retry_after_s =
            retry_after < HTTP_RETRY_AFTER_MAX ? (long)retry_after : HTTP_RETRY_AFTER_MAX;
    copy_header(x->easy, "etag", a->etag, sizeof a->etag);
    copy_header(x->easy, "last-modified", a->last_modified, sizeof a->last_modified);
    copy_header(x->easy, "x-request-id", a->request_id, sizeof a->request_id);
}

/* Hands a finished exchange to its owner, who may start and cancel others. */
static void exchange_end(struct http_exchange *x, CURLcode code)
{
    struct http_request *r = x->request;
    fill_answer(x, code);
    r->exchange = NULL;
    exchange_free(x);
    r->done(r);
}

static void on_transfer_done(CURL *easy, CURLcode code)
{
    struct http_exchange *x = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
    exchange_end(x, code);
}

/* libcurl sends a request once more, unasked, when a reused connection was closed under it. For
 * a DELETE that must be our decision: the first may have been carried out. */
static int on_before_send(void *arg, char *remote_ip, char *local_ip, int remote_port,
                          int local_port)
{
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    struct http_exchange *x = arg;
    if (x->sends > 0 && x->request->method == HTTP_DELETE)
        return CURL_PREREQFUNC_ABORT;
    x->sends++;
    return CURL_PREREQFUNC_OK;
}

/* libcurl takes a connection that closes inside the headers for the end of an answer. */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    x->headers_ended = size * count > 0 && (bytes[0] == '\r' || bytes[0] == '\n');
    return size * count;
}

static void on_rested(void *arg)
{
    struct http_exchange *x = arg;
    bool paused = x->paused;
    x->rests = x->paused = false;
    CURLcode code = paused ? curl_easy_pause(x->easy, CURLPAUSE_CONT) : CURLE_OK;
    /* What libcurl had kept meanwhile was refused by on_body. It does not report this end of the
     * transfer in any other way. */
    if (code != CURLE_OK)
        exchange_end(x, code);
}

/* libcurl hands over all that has arrived, in one call: a long body is taken in slices. */
static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    if (x->data_failure != FAILURE_NONE)
        return 0;
    if (x->rests) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (loop_should_yield(x->http->loop)) {
        x->rests = true;
        loop_timer_set(x->http->loop, &x->rest, 0);
    }
    x->data_failure = x->request->data(x->request, bytes, size * count);
    return x->data_failure == FAILURE_NONE ? size * count : 0;
}

static CURLcode append_header(struct http_exchange *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->headers, line);
    if (longer == NULL)
        return CURLE_OUT_OF_MEMORY;
    x->headers = longer;
    return CURLE_OK;
}

/* A header that is sent only if it has a value. */
static CURLcode add_header(struct http_exchange *x, const char *name, const char *value)
{
    char line[ANSWER_TOKEN_MAX + 64];
    if (value[0] == '\0')
        return CURLE_OK;
    snprintf(line, sizeof line, "%s: %s", name, value);
    return append_header(x, line);
}

static CURLcode make_headers(struct http_exchange *x)
{
    const struct http_request *r = x->request;
    CURLcode code = add_header(x, "Accept", "application/json");
    if (code == CURLE_OK)
        code = add_header(x, "If-None-Match", r->if_none_match);
    if (code == CURLE_OK)
        code = add_header(x, "If-Modified-Since", r->if_modified_since);
    if (code == CURLE_OK && x->http->key_header != NULL)
        code = append_header(x, x->http->key_header);
    return code;
}

/* Sets one option, unless one before it failed. No result is dropped: a request whose CAINFO was
 * not taken would trust the system's certificates. */
#define SET(code, easy, option, value)                                                             \
    do {                                                                                           \
        if ((code) == CURLE_OK)                                                                    \
            (code) = curl_easy_setopt((easy), (option), (value));                                  \
    } while (0)

/* Which service it is, and whom to trust to be it. */
static CURLcode set_peer_options(CURL *e, const struct http_config *c, const char *url)
{
    CURLcode code = CURLE_OK;
    if (c->unix_socket != NULL)
        SET(code, e, CURLOPT_UNIX_SOCKET_PATH, c->unix_socket);
    if (c->ca_file != NULL)
        SET(code, e, CURLOPT_CAINFO, c->ca_file);
    if (c->local)
        SET(code, e, CURLOPT_PROXY, "");
    SET(code, e, CURLOPT_PROTOCOLS_STR, c->local ? "http,https" : "https");
    SET(code, e, CURLOPT_FOLLOWLOCATION, 0L);
    SET(code, e, CURLOPT_URL, url);
    return code;
}

static CURLcode set_connection_options(CURL *e)
{
    CURLcode code = CURLE_OK;
    SET(code, e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
    SET(code, e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(code, e, CURLOPT_PIPEWAIT, 1L);
    SET(code, e, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(code, e, CURLOPT_NOSIGNAL, 1L);
    /* Without it, ending a transfer waits for a resolver thread that is stuck in DNS. */
    SET(code, e, CURLOPT_QUICK_EXIT, 1L);
    return code;
}

static CURLcode set_request_options(struct http_exchange *x)
{
    const struct http_request *r = x->request;
    CURL *e = x->easy;
    CURLcode code = CURLE_OK;
    if (r->method == HTTP_DELETE)
        SET(code, e, CURLOPT_CUSTOMREQUEST, "DELETE");
    SET(code, e, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    SET(code, e, CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(code, e, CURLOPT_USERAGENT, "bigdatafs/" BIGDATAFS_VERSION);
    SET(code, e, CURLOPT_HTTPHEADER, x->headers);
    SET(code, e, CURLOPT_HEADERFUNCTION, on_header);
    SET(code, e, CURLOPT_HEADERDATA, x);
    SET(code, e, CURLOPT_WRITEFUNCTION, on_body);
    SET(code, e, CURLOPT_WRITEDATA, x);
    SET(code, e, CURLOPT_PREREQFUNCTION, on_before_send);
    SET(code, e, CURLOPT_PREREQDATA, x);
    SET(code, e, CURLOPT_ERRORBUFFER, x->reason);
    SET(code, e, CURLOPT_PRIVATE, x);
    return code;
}

/* Everything up to the moment from which libcurl may send. */
static CURLcode prepare(struct http_exchange *x)
{
    const struct http_config *c = &x->http->config;
    char url[HTTP_URL_MAX];
    int n = snprintf(url, sizeof url, "%s%s", c->base_url, x->request->target);
    if (n < 0 || (size_t)n >= sizeof url)
        return CURLE_URL_MALFORMAT;
    x->easy = curl_easy_init();
    if (x->easy == NULL)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = make_headers(x);
    if (code == CURLE_OK)
        code = set_peer_options(x->easy, c, url);
    if (code == CURLE_OK)
        code = set_connection_options(x->easy);
    if (code == CURLE_OK)
        code = set_request_options(x);
    return code;
}

int http_start(struct http *h, struct http_request *r)
{
    r->answer = (struct http_answer){.failure = FAILURE_MEMORY, .retry_after_s = -1};
    struct http_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return -ENOMEM;
    x->http = h;
    x->request = r;
    loop_timer_init(&x->rest, on_rested, x);
    CURLcode code = prepare(x);
    if (code == CURLE_OK)
        code = multi_add(h->multi, x->easy);
    if (code != CURLE_OK) {
        r->answer.failure = failure_of(code);
        snprintf(r->answer.reason, sizeof r->answer.reason, "%s", curl_easy_strerror(code));
        exchange_free(x);
        return failure_errno(r->answer.failure, 0);
    }
    r->exchange = x;
    return 0;
}

void http_cancel(struct http *h, struct http_request *r)
{
    (void)h;
    if (r->exchange == NULL)
        return;
    exchange_free(r->exchange);
    r->exchange = NULL;
}

bool http_was_sent(const struct http_request *r)
{
    return r->exchange != NULL && r->exchange->sends > 0;
}

long http_arriving_status(const struct http_request *r)
{
    long status = 0;
    curl_easy_getinfo(r->exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static void config_free(struct http_config *c)
{
    free((void *)(uintptr_t)c->base_url);
    free((void *)(uintptr_t)c->unix_socket);
    free((void *)(uintptr_t)c->ca_file);
}

static int config_copy(struct http_config *to, const struct http_config *from)
{
    *to = *from;
    to->base_url = strdup(from->base_url);
    to->unix_socket = from->unix_socket != NULL ? strdup(from->unix_socket) : NULL;
    to->ca_file = from->ca_file != NULL ? strdup(from->ca_file) : NULL;
    if (to->base_url != NULL && (to->unix_socket != NULL) == (from->unix_socket != NULL) &&
        (to->ca_file != NULL) == (from->ca_file != NULL))
        return 0;
    return -ENOMEM; /* what was copied is freed with the rest */
}

int http_new(struct loop *loop, const struct http_config *config, struct http **out)
{
    struct http *h = calloc(1, sizeof *h);
    if (h == NULL)
        return -ENOMEM;
    h->loop = loop;
    int err = config_copy(&h->config, config);
    if (err == 0)
        err = multi_new(loop, (long)config->connections + HTTP_READS_MAX, on_transfer_done,
                        &h->multi);
    if (err < 0) {
        http_free(h);
        return err;
    }
    *out = h;
    return 0;
}

void http_mask_key(const struct http *h, char *text)
{
    const char *key = h->key_header != NULL ? h->key_header + sizeof KEY_HEADER - 1 : "";
    size_t len = strlen(key);
    char *at = text;
    while (len >= HTTP_KEY_SECRET_MIN && (at = strstr(at, key)) != NULL)
        memset(at, '*', len);
}

static void key_free(struct http *h)
{
    if (h->key_header != NULL)
        explicit_bzero(h->key_header, strlen(h->key_header));
    free(h->key_header);
    h->key_header = NULL;
}

void http_free(struct http *h)
{
    if (h == NULL)
        return;
    multi_free(h->multi);
    key_free(h);
    config_free(&h->config);
    free(h);
}

int http_set_key(struct http *h, const char *key)
{
    size_t size = sizeof KEY_HEADER + strlen(key);
    char *header = malloc(size);
    if (header == NULL)
        return -ENOMEM;
    snprintf(header, size, KEY_HEADER "%s", key);
    key_free(h);
    h->key_header = header;
    return 0;
}
