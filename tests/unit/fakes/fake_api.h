/*
 * fake_api: api.h without a network: calls are kept until the test answers them, in any order. What
 * api_sent says of an operation is set by the test.
 */
#ifndef BIGDATAFS_TESTS_FAKE_API_H
#define BIGDATAFS_TESTS_FAKE_API_H

#include "bigdatafs/base/loop.h"
#include "bigdatafs/service/api.h"

struct client;

enum fake_call { FAKE_GET, FAKE_ARCHIVE, FAKE_FORCE_DELETE, FAKE_LIST };

enum { FAKE_TIMEOUT_S = 30 };

/* client is not used: NULL. */
int api_new(struct loop *loop, struct client *client, unsigned timeout_s,
            struct api **out) MUST_CHECK;
void api_free(struct api *a); /* operations that wait are the test's to end; NULL is fine */

/* The oldest unanswered call of the kind, for id or, NULL, for any; NULL when there is none. */
struct api_op *fake_api_find(struct api *a, enum fake_call kind, const char *id);
/* Calls of the kind that were made so far, answered and cancelled ones too. */
unsigned fake_api_count(const struct api *a, enum fake_call kind);
/* Calls that wait for their answer. */
unsigned fake_api_waiting(const struct api *a);
const char *fake_api_id(const struct api_op *op);

/* Ends the operation. Of result what is not 0 counts; attempts is at least 1. */
void fake_api_answer(struct api_op *op, struct api_result result);
/* Ends it with HTTP 200 and this object, or with an empty body for NULL. */
void fake_api_answer_object(struct api_op *op, const char *json);
/* Ends it with an HTTP status that is no success, and the API's own JSON. */
void fake_api_answer_status(struct api_op *op, long status);
/* Ends it with a gateway's page in the place of the API's answer: 404, or a 2xx. */
void fake_api_answer_page(struct api_op *op, long status);
/* Ends it without an answer; lost: the service may have carried it out. */
void fake_api_answer_failure(struct api_op *op, enum failure failure, bool lost);
/* A list: begin, then its elements, each with the errno that it met or 0, then the end. */
void fake_api_list_begin(struct api_op *op);
int fake_api_list_element(struct api_op *op, const char *json);
void fake_api_list_end(struct api_op *op);

void fake_api_set_sent(struct api_op *op, enum api_sent sent);
bool fake_api_sends_no_more(const struct api_op *op);
/* How often the list was to be forgotten. */
unsigned fake_api_lists_forgotten(const struct api *a);
/* The next n calls fail to start, with -ENOMEM. */
void fake_api_refuse(struct api *a, unsigned n);

#endif
