/*
 * render: connectors and errors to JSON, request bodies from JSON.
 *
 * A body ends with a NUL, which its length does not count. It must be one JSON object in valid
 * UTF-8 without NUL characters. When it is not what it must be, the functions return -EINVAL and
 * the draft's `why` is a sentence for the client, a constant. When there is no memory they return
 * -ENOMEM.
 */
#ifndef BIGDATAFS_SANDBOX_RENDER_H
#define BIGDATAFS_SANDBOX_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler.h"
#include "store.h"
#include "text.h"

struct cJSON;

void json_connector(struct text *t, const struct record *r);
void json_error(struct text *t, unsigned status, const char *code, const char *message,
                const char *request_id);

/* What a client sent; the strings live until json_draft_free. */
struct draft {
    struct cJSON *doc;
    char *config; /* as it is to be stored: without secrets, with what the service adds */
    const char *type;
    const char *label;
    const char *description; /* NULL is null */
    const char *why;         /* after -EINVAL */
    bool share_with_org;
};

/* For createConnector. An email connector gets email_hash, and an address that is made of it. */
int json_draft_create(const char *body, size_t len, const char *email_hash,
                      struct draft *out) MUST_CHECK;

/* For updateConnector. The body may have type, archived and, for other connectors than those of
 * email, config, but each must equal what current has. */
int json_draft_update(const char *body, size_t len, const struct record *current,
                      struct draft *out) MUST_CHECK;

/* Needed after success and failure alike. */
void json_draft_free(struct draft *d);

#endif
