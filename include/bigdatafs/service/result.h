/*
 * result: how an operation on the API ended, in every way that it can. What a result points to is
 * borrowed for the call that it is handed to.
 */
#ifndef BIGDATAFS_SERVICE_RESULT_H
#define BIGDATAFS_SERVICE_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/service/failure.h"

enum {
    API_TEXT_MAX = 256, /* bytes kept of each text of the service, and of a description */
    API_CODE_MAX = 64,
    API_REQUEST_ID_MAX = 128,
};

/* What the API says is gone is asked for a second time after this pause, before that is the end of
 * a deletion: one answer may be that of a replica that lags. */
enum { API_GONE_AGAIN_MS = 1000 };

struct api_result {
    int err; /* 0, or a negative errno by the table of failure.h */
    enum failure failure;
    long status;       /* HTTP, 0 without an answer */
    unsigned attempts; /* requests sent or tried */
    bool lost;         /* of them, one may have been carried out although its answer never came */
    bool unsure;       /* err < 0, and the service may have carried the request out */
    bool not_modified; /* list: the last one still holds */
    struct snapshot *snapshot; /* the object of a 2xx answer, or NULL */
    char error_code[API_CODE_MAX];
    char message[API_TEXT_MAX];
    char request_id[API_REQUEST_ID_MAX];
};

/* Whether the API itself said that it does not have what was asked for: a 404 with a JSON object.
 * Any other 404 is a gateway's, which is FAILURE_MALFORMED. */
bool api_says_gone(const struct api_result *result);

/* Why it failed, for logs and the errors file: "HTTP 404 CONNECTOR_NOT_FOUND: Connector not
 * found", or libcurl's reason. */
void api_describe(const struct api_result *result, char *text, size_t size);

#endif
