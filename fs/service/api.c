#include "bigdatafs/service/api.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api_owner.h"
#include "bigdatafs/base/uuid.h"
#include "client.h"
#include "listing.h"

#define CONNECTORS "/contents/v1/connectors"

struct api {
    struct loop *loop;
    struct client *client;
    uint64_t timeout_ms;
    /* What the service gave with the last list that was taken whole. */
    char etag[ANSWER_TOKEN_MAX];
    char last_modified[ANSWER_TOKEN_MAX];
};

struct api_op {
    struct api *api;
    struct client_call call;
    api_done_fn *done;
    void *arg;
    char id[UUID_LEN + 1];
    bool wants_snapshot; /* a 2xx without the connector is a failure */
    /* Of a list alone. */
    struct api_list_sink sink;
    struct listing *listing;
    int listing_err; /* 0, or the negative errno that ended the attempt's list */
};

int api_new(struct loop *loop, struct client *client, unsigned timeout_s, struct api **out)
{
    struct api *a = calloc(1, sizeof *a);
    if (a == NULL)
        return -ENOMEM;
    a->loop = loop;
    a->client = client;
    a->timeout_ms = (uint64_t)timeout_s * 1000;
    *out = a;
    return 0;
}

void api_free(struct api *a)
{
    free(a);
}

uint64_t api_deadline(const struct api *a)
{
    return loop_now(a->loop) + a->timeout_ms;
}

static void op_free(struct api_op *op)
{
    listing_free(op->listing);
    free(op);
}

static void copy_member(const cJSON *object, const char *name, char *to, size_t size)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (cJSON_IsString(member))
        snprintf(to, size, "%s", member->valuestring);
}

/* The answer is not the API's, or does not say what it must. */
static void make_malformed(struct api_result *r, int err, const char *why)
{
    r->failure = err == -ENOMEM ? FAILURE_MEMORY : FAILURE_MALFORMED;
    r->err = failure_errno(r->failure, r->status);
    snprintf(r->message, sizeof r->message, "%s", why);
}

/* The service's error object, or the gateway's with a message alone. What is no object at a 404 is
 * a gateway's page, which knows nothing of connectors: only the API's own word makes one gone. */
static void read_error_body(const struct buf *body, struct api_result *r)
{
    cJSON *object = body->len > 0 ? cJSON_ParseWithLength(body->data, body->len) : NULL;
    copy_member(object, "message", r->message, sizeof r->message);
    copy_member(object, "errorCode", r->error_code, sizeof r->error_code);
    copy_member(object, "requestId", r->request_id, sizeof r->request_id);
    if (r->status == 404 && !cJSON_IsObject(object))
        make_malformed(r, -EBADMSG, "HTTP 404 without the API's JSON: it is not the API's answer");
    cJSON_Delete(object);
}

static void fill_result(const struct client_call *call, struct api_result *r)
{
    const struct http_answer *a = &call->answer;
    *r = (struct api_result){
        .failure = a->failure, .status = a->status, .attempts = call->attempts, .lost = call->lost};
    snprintf(r->request_id, sizeof r->request_id, "%s", a->request_id);
    r->err = failure_errno(a->failure, a->status);
    if (a->failure != FAILURE_NONE)
        snprintf(r->message, sizeof r->message, "%s", a->reason);
    else if (r->err < 0)
        read_error_body(&call->body, r);
    /* A service that repeats what it was sent must not bring the key into a log. */
    client_mask_key(call->client, r->message);
    client_mask_key(call->client, r->error_code);
    client_mask_key(call->client, r->request_id);
}

/* Whether the body of a 2xx to a DELETE bears it out: it is empty, or JSON that is neither about
 * another connector nor an error. A login page is none of that. */
static bool bears_out(const struct buf *body, const char *id)
{
    if (body->len == 0)
        return true;
    cJSON *json = cJSON_ParseWithLengthOpts(body->data, body->len + 1, NULL, true);
    const cJSON *about = cJSON_GetObjectItemCaseSensitive(json, "connector_id");
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "errorCode");
    bool other =
        about != NULL && !(cJSON_IsString(about) && strcasecmp(about->valuestring, id) == 0);
    bool error = code != NULL && !cJSON_IsNull(code);
    bool good = json != NULL && !other && !error;
    cJSON_Delete(json);
    return good;
}

/* The connector in a 2xx answer. The answer to a GET must have it; that to a DELETE may be
 * anything that bears out the 2xx. */
static void read_snapshot(struct api_op *op, const struct client_call *call, struct api_result *r)
{
    if (r->err < 0)
        return;
    int err = call->body.len == 0 ? -EBADMSG
                                  : snapshot_parse(call->body.data, call->body.len, &r->snapshot);
    if (err == 0 && strcasecmp(r->snapshot->id, op->id) != 0) {
        snapshot_unref(r->snapshot);
        r->snapshot = NULL;
        err = -EBADMSG;
    }
    if (err < 0 && op->wants_snapshot)
        make_malformed(r, err, "the answer is not the connector asked for");
    else if (err < 0 && !bears_out(&call->body, op->id))
        make_malformed(r, -EBADMSG, "the answer to the DELETE does not say that it was accepted");
}

/* Besides lost answers, a page in the place of the API's says nothing of what became of a DELETE.
 */
static bool is_unsure(const struct api_op *op, const struct api_result *r)
{
    bool says_nothing = r->failure == FAILURE_MALFORMED && op->call.request.method == HTTP_DELETE;
    return r->err < 0 && (r->lost || says_nothing);
}

static void on_done(struct client_call *call)
{
    struct api_op *op = call->arg;
    struct api_result result;
    fill_result(call, &result);
    read_snapshot(op, call, &result);
    result.unsure = is_unsure(op, &result);
    op->done(op->arg, &result);
    snapshot_unref(result.snapshot);
    op_free(op);
}

static int op_new(struct api *a, enum http_method method, const char *id,
                  const struct api_call *call, struct api_op **out)
{
    if (id != NULL && !uuid_is_valid(id))
        return -EINVAL;
    struct api_op *op = calloc(1, sizeof *op);
    if (op == NULL)
        return -ENOMEM;
    op->api = a;
    op->done = call->done;
    op->arg = call->arg;
    op->call.request.method = method;
    op->call.deadline_ms = call->deadline_ms;
    op->call.done = on_done;
    op->call.arg = op;
    if (id != NULL)
        snprintf(op->id, sizeof op->id, "%s", id);
    *out = op;
    return 0;
}

/* The calls that concern one connector. */
enum one { GET_ONE, ARCHIVE_ONE, FORCE_DELETE_ONE };

static int start_one(struct api *a, enum one what, const char *id, const struct api_call *call,
                     struct api_op **out)
{
    struct api_op *op;
    bool force = what == FORCE_DELETE_ONE;
    int err = op_new(a, what == GET_ONE ? HTTP_GET : HTTP_DELETE, id, call, &op);
    if (err < 0)
        return err;
    snprintf(op->call.request.target, sizeof op->call.request.target, "%s/%s%s", CONNECTORS, id,
             force ? "?force_delete=true" : "");
    op->call.resend = force ? RESEND_UNSENT : RESEND_ALWAYS;
    op->wants_snapshot = what == GET_ONE;
    client_start(a->client, &op->call);
    *out = op;
    return 0;
}

int api_get(struct api *a, const char *id, const struct api_call *call, struct api_op **op)
{
    return start_one(a, GET_ONE, id, call, op);
}

int api_archive(struct api *a, const char *id, const struct api_call *call, struct api_op **op)
{
    return start_one(a, ARCHIVE_ONE, id, call, op);
}

int api_force_delete(struct api *a, const char *id, const struct api_call *call, struct api_op **op)
{
    return start_one(a, FORCE_DELETE_ONE, id, call, op);
}

static void on_list_attempt(struct client_call *call)
{
    struct api_op *op = call->arg;
    listing_free(op->listing);
    op->listing = NULL;
    op->listing_err = listing_new(op->sink.element, op->sink.arg, &op->listing);
    op->sink.restart(op->sink.arg);
}

static enum failure on_list_data(struct http_request *request, const char *bytes, size_t len)
{
    struct client_call *call = request->arg;
    struct api_op *op = call->arg;
    if (http_arriving_status(request) != 200) {
        /* The object of an error, of which what fits is enough. */
        int ignored = buf_append(&call->body, bytes, len);
        (void)ignored;
        return FAILURE_NONE;
    }
    if (op->listing_err == 0)
        op->listing_err = listing_feed(op->listing, bytes, len);
    switch (op->listing_err) {
    case 0:
        return FAILURE_NONE;
    case -EFBIG:
        return FAILURE_TOO_LARGE;
    case -ENOMEM:
        return FAILURE_MEMORY;
    default:
        return FAILURE_MALFORMED;
    }
}

/* What the list itself ended with, if all of its answer came. */
static void finish_list(struct api_op *op, const struct http_answer *answer,
                        struct api_result *result)
{
    if (answer_is(answer, 304)) {
        result->err = 0;
        result->not_modified = true;
    }
    if (result->err < 0 || result->not_modified)
        return;
    /* Of a 2xx other than 200 nothing was fed to it. */
    if (op->listing_err == 0)
        op->listing_err = listing_finish(op->listing);
    if (op->listing_err < 0) {
        result->failure = op->listing_err == -ENOMEM ? FAILURE_MEMORY : FAILURE_MALFORMED;
        result->err = failure_errno(result->failure, result->status);
    }
}

static void on_list_done(struct client_call *call)
{
    struct api_op *op = call->arg;
    struct api *a = op->api;
    const struct http_answer *answer = &call->answer;
    struct api_result result;
    fill_result(call, &result);
    finish_list(op, answer, &result);
    if (result.failure == FAILURE_MALFORMED && result.message[0] == '\0')
        snprintf(result.message, sizeof result.message,
                 "the list of connectors is malformed or was cut short");
    if (result.err == 0 && !result.not_modified) {
        snprintf(a->etag, sizeof a->etag, "%s", answer->etag);
        snprintf(a->last_modified, sizeof a->last_modified, "%s", answer->last_modified);
    }
    op->done(op->arg, &result);
    op_free(op);
}

int api_list(struct api *a, const struct api_list_sink *sink, struct api_op **out)
{
    struct api_op *op;
    struct api_call call = {.deadline_ms = api_deadline(a), .done = sink->done, .arg = sink->arg};
    int err = op_new(a, HTTP_GET, NULL, &call, &op);
    if (err < 0)
        return err;
    op->sink = *sink;
    op->call.before_send = on_list_attempt;
    op->call.data = on_list_data;
    op->call.done = on_list_done;
    struct http_request *r = &op->call.request;
    snprintf(r->target, sizeof r->target, CONNECTORS);
    snprintf(r->if_none_match, sizeof r->if_none_match, "%s", a->etag);
    snprintf(r->if_modified_since, sizeof r->if_modified_since, "%s", a->last_modified);
    client_start(a->client, &op->call);
    *out = op;
    return 0;
}

void api_cancel(struct api_op *op)
{
    client_cancel(&op->call);
    op_free(op);
}

void api_forget_list(struct api *a)
{
    a->etag[0] = a->last_modified[0] = '\0';
}

enum api_sent api_sent(const struct api_op *op)
{
    if (http_was_sent(&op->call.request))
        return API_IN_FLIGHT;
    return op->call.lost ? API_LOST : API_UNSENT;
}

unsigned api_attempts(const struct api_op *op)
{
    const struct client_call *call = &op->call;
    bool waits_for_connection = call->state == CALL_ATTEMPTED && !http_was_sent(&call->request);
    return waits_for_connection ? call->attempts - 1 : call->attempts;
}

void api_send_no_more(struct api_op *op)
{
    op->call.resend = RESEND_NEVER;
}
