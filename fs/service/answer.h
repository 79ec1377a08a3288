/* answer: how one exchange with the service ended, and what that says of the service. */
#ifndef BIGDATAFS_SERVICE_ANSWER_H
#define BIGDATAFS_SERVICE_ANSWER_H

#include <stdbool.h>

#include "bigdatafs/service/failure.h"

enum {
    ANSWER_TOKEN_MAX = 128,  /* ETag, Last-Modified, request id; longer ones are not kept */
    ANSWER_REASON_MAX = 256, /* libcurl's words for a failure */
};

struct http_answer {
    enum failure failure;
    long status;        /* 0 without an answer */
    bool sent;          /* the request, or a part of it, may have reached the service */
    long retry_after_s; /* -1: no such header */
    char reason[ANSWER_REASON_MAX];
    char etag[ANSWER_TOKEN_MAX];
    char last_modified[ANSWER_TOKEN_MAX];
    char request_id[ANSWER_TOKEN_MAX];
};

/* Whether the service answered with this HTTP status. */
bool answer_is(const struct http_answer *a, long status);

/* Whether the service did its part: it answered, and not that it has a fault. A 501 is an answer:
 * the service works, and will never offer what was asked for. */
bool answer_is_from_service(const struct http_answer *a);

/* Whether the service is out of order or out of reach, so that the same request may succeed later.
 * What fails for this machine's reasons or for the answer's content is neither this nor
 * answer_is_from_service. */
bool answer_is_outage(const struct http_answer *a);

#endif
