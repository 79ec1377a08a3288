/*
 * handler: what each request of the Content API does and answers. Knows nothing of sockets.
 *
 * One thread at a time calls api_handle, which keeps the last list, plain and gzip, until it
 * changes.
 */
#ifndef BIGDATAFS_SANDBOX_HANDLER_H
#define BIGDATAFS_SANDBOX_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "identifier.h"
#include "reaper.h"
#include "store.h"
#include "text.h"

enum {
    API_BODY_MAX = 1 << 20,   /* bytes of a request's body */
    API_LIST_MAX = 1 << 30,   /* bytes of the list's JSON */
    API_ANSWER_MAX = 4 << 20, /* bytes of any other answer */
    API_ETAG_SIZE = 64,
    API_DATE_SIZE = 32,
};

struct api_request {
    const char *method;
    const char *path;  /* as sent, percent-encoded */
    const char *query; /* as sent, without the '?' */
    const char *key;   /* NULL when there is no X-API-KEY */
    const char *accept_encoding;
    const char *if_none_match;
    const char *if_modified_since;
    const char *request_id;
    const char *body;
    size_t body_len;
    bool body_too_large;
};

struct api_answer {
    unsigned status;
    struct blob *body; /* owned by the receiver; NULL is an empty body */
    bool gzip;
    bool varies;       /* another Accept-Encoding gets another body */
    const char *allow; /* for 405, else NULL */
    char etag[API_ETAG_SIZE];
    char last_modified[API_DATE_SIZE]; /* "" when there is none */
};

struct api;

/* With a key of NULL, any key that is not empty will do. All three are borrowed. */
int api_new(struct store *s, struct reaper *r, const char *key, struct api **out) MUST_CHECK;
void api_free(struct api *a); /* NULL is fine */

/* Makes an answer in any case, unless there is no memory even for that of an error: -ENOMEM. */
int api_handle(struct api *a, const struct api_request *q, struct api_answer *out) MUST_CHECK;

#endif
