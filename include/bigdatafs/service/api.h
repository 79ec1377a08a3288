/*
 * api: the calls of the Content API that bigdatafs makes (GET list, GET one, DELETE, DELETE with
 * force_delete=true), typed, with every way they can end as one struct api_result. service.h makes
 * the struct api.
 *
 * Each call starts an operation and returns it, or a negative errno and nothing is started. done is
 * called once, later, from the loop, and the operation is gone when it returns. What the result
 * points to is borrowed for the call. ids must be UUIDs (uuid_is_valid; -EINVAL for others):
 * nothing else is ever put into a URL.
 */
#ifndef BIGDATAFS_SERVICE_API_H
#define BIGDATAFS_SERVICE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/service/result.h"

struct api;
struct api_op;

typedef void api_done_fn(void *arg, const struct api_result *result);

/* Until when an operation on one connector may take, and whom to tell of its end. */
struct api_call {
    uint64_t deadline_ms; /* of loop_now; see api_deadline */
    api_done_fn *done;
    void *arg;
};

int api_get(struct api *a, const char *id, const struct api_call *call,
            struct api_op **op) MUST_CHECK;
int api_archive(struct api *a, const char *id, const struct api_call *call,
                struct api_op **op) MUST_CHECK;
/* Never resent once the service may have acted on it: then the result says unsure. */
int api_force_delete(struct api *a, const char *id, const struct api_call *call,
                     struct api_op **op) MUST_CHECK;

/* Called with each connector of the list, a JSON object, NUL-terminated and borrowed for the call.
 * A negative errno ends the list with that. */
typedef int api_element_fn(void *arg, const char *json, size_t len);

struct api_list_sink {
    void (*restart)(void *arg); /* before each attempt: forget the elements so far */
    api_element_fn *element;
    api_done_fn *done;
    void *arg;
};

/* The service may answer that nothing changed since the last list that arrived whole. */
int api_list(struct api *a, const struct api_list_sink *sink, struct api_op **op) MUST_CHECK;

/* done will not be called. A request that was sent is not taken back by it. */
void api_cancel(struct api_op *op);

/* The last list was not taken over whole: the next one must not be answered with "not modified". */
void api_forget_list(struct api *a);

/* What of an operation has left this machine. */
enum api_sent {
    API_UNSENT,    /* nothing that the service may have carried out */
    API_IN_FLIGHT, /* an attempt that has a connection is under way */
    API_LOST, /* an attempt may have been carried out, and the next one has no connection yet */
};
enum api_sent api_sent(const struct api_op *op);
/* Attempts so far. One that still waits for a connection does not count. */
unsigned api_attempts(const struct api_op *op);
/* The attempt under way is the last one, whatever its answer. */
void api_send_no_more(struct api_op *op);

/* The deadline of an operation that starts now and may take -o timeout= seconds. */
uint64_t api_deadline(const struct api *a);

#endif
