#include "server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "delay.h"

enum { MEMORY_PER_CONNECTION = 64 << 10 };

struct server {
    struct MHD_Daemon *daemon;
    struct api *api;
    struct delay *delay; /* NULL when answers are not delayed */
    int access_fd;
    bool access_failed; /* reported once */
};

/*
 * A request on its way:
 *
 *   state      what is true in it                       what ends it             next
 *   BEGUN      the URL is known                         the headers are there    RECEIVING
 *   RECEIVING  the body is taken up as it comes         the request is complete  ANSWERED
 *   ANSWERED   the answer is made; the connection is    the delay is over        ends
 *              suspended when answers are delayed
 *
 * A request that ends is freed by libmicrohttpd's call of on_completed, as is one whose connection
 * ends in any state.
 */
enum request_state { BEGUN, RECEIVING, ANSWERED };

struct request {
    struct server *server;
    struct MHD_Connection *connection;
    struct delay_waiter waiter;
    struct api_answer answer;
    struct text body;
    enum request_state state;
    size_t discarded;  /* bytes of a body that is too large */
    const char *query; /* part of url, after its '?' */
    char id[UUID_SIZE];
    char url[]; /* the path alone: the '?' is a NUL now */
};

/* Called when the request line is there. What it returns comes back as `state` in later calls. */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *connection)
{
    size_t len = strlen(uri);
    if (len > SERVER_URL_MAX) {
        uri = "";
        len = 0;
    }
    struct request *r = calloc(1, sizeof *r + len + 1);
    if (r == NULL)
        return NULL;
    r->server = cls;
    r->connection = connection;
    text_init(&r->body, API_BODY_MAX);
    memcpy(r->url, uri, len + 1);
    char *mark = strchr(r->url, '?');
    if (mark != NULL)
        *mark = '\0';
    r->query = mark != NULL ? mark + 1 : "";
    uint64_t bits[2];
    if (uuid_entropy(bits, sizeof bits) < 0) {
        free(r);
        return NULL;
    }
    uuid_v4(bits, r->id);
    return r;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    (void)code;
    struct request *r = *state;
    if (r == NULL)
        return;
    blob_unref(r->answer.body);
    text_free(&r->body);
    free(r);
    *state = NULL;
}

static const char *header_of(struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result receive_body(struct request *r, const char *bytes, size_t len)
{
    if (r->body.err < 0) {
        r->discarded += len;
        return r->discarded > SERVER_DISCARD_MAX ? MHD_NO : MHD_YES;
    }
    text_put(&r->body, bytes, len);
    return r->body.err == -ENOMEM ? MHD_NO : MHD_YES;
}

static int handle(struct request *r, const char *method)
{
    const struct api_request q = {
        .method = method,
        .path = r->url,
        .query = r->query,
        .key = header_of(r, "X-API-KEY"),
        .accept_encoding = header_of(r, MHD_HTTP_HEADER_ACCEPT_ENCODING),
        .if_none_match = header_of(r, MHD_HTTP_HEADER_IF_NONE_MATCH),
        .if_modified_since = header_of(r, MHD_HTTP_HEADER_IF_MODIFIED_SINCE),
        .request_id = r->id,
        .body = r->body.data != NULL ? r->body.data : "",
        .body_len = r->body.len,
        .body_too_large = r->body.err == -EFBIG,
    };
    return api_handle(r->server->api, &q, &r->answer);
}

static void log_access(struct request *r, const char *method)
{
    struct server *s = r->server;
    if (s->access_fd < 0)
        return;
    const char *key = header_of(r, "X-API-KEY");
    const struct access_line line = {
        .method = method,
        .path = r->url,
        .query = r->query,
        .user_agent = header_of(r, MHD_HTTP_HEADER_USER_AGENT),
        .request_id = r->id,
        .status = r->answer.status,
        .bytes = r->answer.body != NULL ? r->answer.body->len : 0,
        .key = key != NULL && key[0] != '\0',
    };
    int err = access_write(s->access_fd, &line);
    if (err < 0 && !s->access_failed)
        fprintf(stderr, "bigdatafs-sandbox: cannot write the access log: %s.\n", strerror(-err));
    s->access_failed = err < 0;
}

static void release_blob(void *cls)
{
    blob_unref(cls);
}

static enum MHD_Result add_header(struct MHD_Response *response, const char *name,
                                  const char *value)
{
    return value != NULL && value[0] != '\0' ? MHD_add_response_header(response, name, value)
                                             : MHD_YES;
}

static enum MHD_Result add_headers(struct request *r, struct MHD_Response *response)
{
    const struct api_answer *a = &r->answer;
    const char *const headers[][2] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, a->body != NULL ? "application/json" : NULL},
        {"x-request-id", r->id},
        {MHD_HTTP_HEADER_ETAG, a->etag},
        {MHD_HTTP_HEADER_LAST_MODIFIED, a->last_modified},
        {MHD_HTTP_HEADER_CONTENT_ENCODING, a->gzip ? "gzip" : NULL},
        {MHD_HTTP_HEADER_VARY, a->varies ? "Accept-Encoding" : NULL},
        {MHD_HTTP_HEADER_ALLOW, a->allow},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (add_header(response, headers[i][0], headers[i][1]) != MHD_YES)
            return MHD_NO;
    return MHD_YES;
}

static enum MHD_Result send_answer(struct request *r, const char *method)
{
    struct blob *b = r->answer.body;
    struct MHD_Response *response;
    if (b != NULL)
        response = MHD_create_response_from_buffer_with_free_callback_cls(
            b->len, b->data, release_blob, blob_ref(b));
    else
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        blob_unref(b); /* the reference that the response would have had */
        return MHD_NO;
    }
    enum MHD_Result done = add_headers(r, response);
    if (done == MHD_YES) {
        log_access(r, method); /* before the answer, so that a client finds its line */
        done = MHD_queue_response(r->connection, r->answer.status, response);
    }
    MHD_destroy_response(response);
    return done;
}

static void resume(void *arg)
{
    struct request *r = arg;
    MHD_resume_connection(r->connection);
}

static void delay_answer(struct request *r)
{
    r->waiter.wake = resume;
    r->waiter.arg = r;
    MHD_suspend_connection(r->connection);
    delay_add(r->server->delay, &r->waiter);
}

static enum MHD_Result handle_complete(struct request *r, const char *method)
{
    if (handle(r, method) < 0)
        return MHD_NO;
    r->state = ANSWERED;
    if (r->server->delay == NULL)
        return send_answer(r, method);
    delay_answer(r);
    return MHD_YES;
}

/* Called when the headers are there, for each piece of a body, when the request is complete and,
 * if there is a delay, when that is over. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    struct request *r = *state;
    if (r == NULL)
        return MHD_NO;
    size_t len = *upload_size;
    switch (r->state) {
    case BEGUN:
        r->state = RECEIVING;
        return MHD_YES;
    case RECEIVING:
        *upload_size = 0;
        return len > 0 ? receive_body(r, upload, len) : handle_complete(r, method);
    case ANSWERED:
        break;
    }
    return send_answer(r, method);
}

static int start_daemon(struct server *s, int listen_fd)
{
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
        on_request_line, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SERVER_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION, MHD_OPTION_END);
    return s->daemon != NULL ? 0 : -EIO;
}

static int start_parts(struct server *s, int listen_fd, int64_t latency)
{
    int err = latency > 0 ? delay_start(latency, &s->delay) : 0;
    return err < 0 ? err : start_daemon(s, listen_fd);
}

int server_start(struct api *api, int listen_fd, int access_fd, int64_t latency,
                 struct server **out)
{
    struct server *s = calloc(1, sizeof *s);
    int err = -ENOMEM;
    if (s != NULL) {
        *s = (struct server){.api = api, .access_fd = access_fd};
        err = start_parts(s, listen_fd, latency);
    }
    if (err < 0) {
        close(listen_fd);
        server_stop(s);
        return err;
    }
    *out = s;
    return 0;
}

void server_stop(struct server *s)
{
    if (s == NULL)
        return;
    /* The daemon must not be stopped while a connection is suspended. From here on a request that
     * comes in is not delayed. */
    delay_stop(s->delay);
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon);
    delay_free(s->delay);
    free(s);
}
