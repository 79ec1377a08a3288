#include "fake_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"

struct api {
    struct loop *loop;
    uint64_t timeout_ms;
    struct api_op *ops; /* that wait, the oldest first */
    unsigned counts[FAKE_LIST + 1], forgotten, refuse;
};

struct api_op {
    struct api *api;
    struct api_op *next;
    enum fake_call kind;
    uuid_text id;
    api_done_fn *done;
    void *arg;
    struct api_list_sink sink;
    enum api_sent sent;
    bool no_more;
};

int api_new(struct loop *loop, struct client *client, unsigned timeout_s, struct api **out)
{
    (void)client;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return -ENOMEM;
    (*out)->loop = loop;
    (*out)->timeout_ms = (uint64_t)timeout_s * 1000;
    return 0;
}

void api_free(struct api *a)
{
    free(a);
}

static int start(struct api *a, enum fake_call kind, const char *id, struct api_op **out)
{
    if (a->refuse > 0) {
        a->refuse--;
        return -ENOMEM;
    }
    struct api_op *op = calloc(1, sizeof *op), **at = &a->ops;
    if (op == NULL)
        return -ENOMEM;
    op->api = a;
    op->kind = kind;
    op->sent = API_IN_FLIGHT;
    if (id != NULL)
        snprintf(op->id, sizeof op->id, "%s", id);
    while (*at != NULL)
        at = &(*at)->next;
    *at = op;
    a->counts[kind]++;
    *out = op;
    return 0;
}

static int start_one(struct api *a, enum fake_call kind, const char *id,
                     const struct api_call *call, struct api_op **op)
{
    int err = start(a, kind, id, op);
    if (err == 0) {
        (*op)->done = call->done;
        (*op)->arg = call->arg;
    }
    return err;
}

int api_get(struct api *a, const char *id, const struct api_call *call, struct api_op **op)
{
    return start_one(a, FAKE_GET, id, call, op);
}

int api_archive(struct api *a, const char *id, const struct api_call *call, struct api_op **op)
{
    return start_one(a, FAKE_ARCHIVE, id, call, op);
}

int api_force_delete(struct api *a, const char *id, const struct api_call *call, struct api_op **op)
{
    return start_one(a, FAKE_FORCE_DELETE, id, call, op);
}

int api_list(struct api *a, const struct api_list_sink *sink, struct api_op **op)
{
    int err = start(a, FAKE_LIST, NULL, op);
    if (err == 0) {
        (*op)->sink = *sink;
        (*op)->done = sink->done;
        (*op)->arg = sink->arg;
    }
    return err;
}

static void take_out(struct api_op *op)
{
    struct api_op **at = &op->api->ops;
    while (*at != op)
        at = &(*at)->next;
    *at = op->next;
}

void api_cancel(struct api_op *op)
{
    take_out(op);
    free(op);
}

void api_forget_list(struct api *a)
{
    a->forgotten++;
}

enum api_sent api_sent(const struct api_op *op)
{
    return op->sent;
}

unsigned api_attempts(const struct api_op *op)
{
    return op->sent != API_UNSENT;
}

void api_send_no_more(struct api_op *op)
{
    op->no_more = true;
}

uint64_t api_deadline(const struct api *a)
{
    return loop_now(a->loop) + a->timeout_ms;
}

struct api_op *fake_api_find(struct api *a, enum fake_call kind, const char *id)
{
    struct api_op *op = a->ops;
    while (op != NULL && (op->kind != kind || (id != NULL && strcmp(op->id, id) != 0)))
        op = op->next;
    return op;
}

unsigned fake_api_count(const struct api *a, enum fake_call kind)
{
    return a->counts[kind];
}

unsigned fake_api_waiting(const struct api *a)
{
    unsigned count = 0;
    for (const struct api_op *op = a->ops; op != NULL; op = op->next)
        count++;
    return count;
}

const char *fake_api_id(const struct api_op *op)
{
    return op->id;
}

void fake_api_answer(struct api_op *op, struct api_result result)
{
    if (result.attempts == 0)
        result.attempts = 1;
    take_out(op);
    op->done(op->arg, &result);
    free(op);
}

void fake_api_answer_object(struct api_op *op, const char *json)
{
    struct api_result result = {.status = 200};
    if (json != NULL && snapshot_parse(json, strlen(json), &result.snapshot) < 0) {
        fprintf(stderr, "no connector: %s\n", json);
        abort();
    }
    fake_api_answer(op, result);
    snapshot_unref(result.snapshot);
}

void fake_api_answer_status(struct api_op *op, long status)
{
    struct api_result result = {.status = status, .err = failure_errno(FAILURE_NONE, status)};
    fake_api_answer(op, result);
}

void fake_api_answer_page(struct api_op *op, long status)
{
    struct api_result result = {.failure = FAILURE_MALFORMED,
                                .status = status,
                                .err = -EIO,
                                .unsure = op->kind != FAKE_GET};
    fake_api_answer(op, result);
}

void fake_api_answer_failure(struct api_op *op, enum failure failure, bool lost)
{
    struct api_result result = {
        .failure = failure, .err = failure_errno(failure, 0), .lost = lost, .unsure = lost};
    fake_api_answer(op, result);
}

void fake_api_list_begin(struct api_op *op)
{
    op->sink.restart(op->sink.arg);
}

int fake_api_list_element(struct api_op *op, const char *json)
{
    return op->sink.element(op->sink.arg, json, strlen(json));
}

void fake_api_list_end(struct api_op *op)
{
    struct api_result result = {.status = 200};
    fake_api_answer(op, result);
}

void fake_api_set_sent(struct api_op *op, enum api_sent sent)
{
    op->sent = sent;
}

bool fake_api_sends_no_more(const struct api_op *op)
{
    return op->no_more;
}

unsigned fake_api_lists_forgotten(const struct api *a)
{
    return a->forgotten;
}

void fake_api_refuse(struct api *a, unsigned n)
{
    a->refuse = n;
}
