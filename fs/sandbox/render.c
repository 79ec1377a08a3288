#include "render.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_EMAIL_SIZE = 64 };

static void put_bool(struct text *t, bool value)
{
    text_str(t, value ? "true" : "false");
}

static void put_count(struct text *t, int64_t n)
{
    if (n < 0)
        text_str(t, "null");
    else
        text_number(t, n);
}

void json_connector(struct text *t, const struct record *r)
{
    text_str(t, "{\"connector_id\":");
    text_json(t, r->id);
    text_str(t, ",\"user_id\":");
    text_json(t, r->user_id);
    text_str(t, ",\"org_id\":");
    text_json(t, r->org_id);
    text_str(t, ",\"share_with_org\":");
    put_bool(t, r->share_with_org);
    text_str(t, ",\"label\":");
    text_json(t, r->label);
    text_str(t, ",\"type\":");
    text_json(t, r->type);
    text_str(t, ",\"created_at\":");
    text_time(t, r->created_at);
    text_str(t, ",\"updated_at\":");
    text_time(t, r->updated_at);
    text_str(t, ",\"archived\":");
    put_bool(t, r->archived);
    text_str(t, ",\"description\":");
    text_json(t, r->description);
    text_str(t, ",\"config\":");
    text_str(t, r->config);
    text_str(t, ",\"files_count\":");
    text_number(t, r->files_count);
    text_str(t, ",\"last_sync_at\":");
    text_time(t, r->last_sync_at);
    text_str(t, ",\"last_sync_status\":");
    text_json(t, r->last_sync_status);
    text_str(t, ",\"last_sync_error_msg\":");
    text_json(t, r->last_sync_error_msg);
    text_str(t, ",\"last_sync_count\":");
    put_count(t, r->last_sync_count);
    text_put(t, "}", 1);
}

void json_error(struct text *t, unsigned status, const char *code, const char *message,
                const char *request_id)
{
    text_str(t, "{\"statusCode\":");
    text_number(t, status);
    text_str(t, ",\"message\":");
    text_json(t, message);
    text_str(t, ",\"errorCode\":");
    text_json(t, code);
    text_str(t, ",\"requestId\":");
    text_json(t, request_id);
    text_put(t, "}", 1);
}

/* What cJSON lets pass: bytes that are no UTF-8, and NUL characters, which end its strings. */
static const char *find_flaw(const char *body, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = text_utf8(body + at, len - at);
        if (step == 0)
            return "The body is not valid UTF-8";
        if (body[at] == '\0')
            return "The body is not valid JSON";
        if (body[at] == '\\' && len - at >= 6 && memcmp(body + at, "\\u0000", 6) == 0)
            return "NUL characters are not allowed";
        if (body[at] == '\\' && at + 1 < len && body[at + 1] == '\\')
            step = 2; /* an escaped backslash escapes nothing itself */
        at += step;
    }
    return NULL;
}

static int parse_object(const char *body, size_t len, cJSON **out, const char **why)
{
    *why = find_flaw(body, len);
    if (*why)
        return -EINVAL;
    const char *end = NULL;
    cJSON *doc = len > 0 ? cJSON_ParseWithLengthOpts(body, len, &end, false) : NULL;
    *why = "The body is not valid JSON";
    if (doc == NULL)
        return -EINVAL;
    size_t rest = strspn(end, " \t\r\n"); /* the body is NUL-terminated */
    *out = doc;
    if (end + rest != body + len)
        return -EINVAL;
    *why = "The body must be a JSON object";
    return cJSON_IsObject(doc) ? 0 : -EINVAL;
}

static const cJSON *member(const struct draft *d, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(d->doc, name);
}

/* The members that create and update have in common, config aside. */
static int take_common(struct draft *d, const char **why)
{
    const cJSON *label = member(d, "label");
    const cJSON *description = member(d, "description");
    const cJSON *share = member(d, "share_with_org");
    *why = "label is required and must be a string";
    if (!cJSON_IsString(label))
        return -EINVAL;
    *why = "description must be a string or null";
    if (description && !cJSON_IsString(description) && !cJSON_IsNull(description))
        return -EINVAL;
    *why = "share_with_org must be true or false";
    if (share && !cJSON_IsBool(share))
        return -EINVAL;
    d->label = label->valuestring;
    d->description = cJSON_IsString(description) ? description->valuestring : NULL;
    d->share_with_org = cJSON_IsTrue(share);
    return 0;
}

static int check_email(const cJSON *config, const char **why)
{
    const cJSON *allowed = cJSON_GetObjectItemCaseSensitive(config, "allowed_emails");
    *why = "config.allowed_emails must be an array of strings";
    if (allowed && !cJSON_IsArray(allowed))
        return -EINVAL;
    const cJSON *one;
    cJSON_ArrayForEach(one, allowed)
    {
        if (!cJSON_IsString(one))
            return -EINVAL;
    }
    return 0;
}

/* Moves the members that the service sets itself to what it sets. */
static int finish_email(cJSON *config, const char *hash, const char *address)
{
    cJSON_DeleteItemFromObjectCaseSensitive(config, "email_hash");
    cJSON_DeleteItemFromObjectCaseSensitive(config, "email");
    bool ok = true;
    if (!cJSON_GetObjectItemCaseSensitive(config, "allowed_emails"))
        ok = cJSON_AddArrayToObject(config, "allowed_emails") != NULL;
    ok = ok && cJSON_AddStringToObject(config, "email_hash", hash);
    ok = ok && cJSON_AddStringToObject(config, "email", address);
    return ok ? 0 : -ENOMEM;
}

/* Sets d->config to what is stored for the type. config is changed, hash and address are for
 * email connectors alone. */
static int take_config(struct draft *d, const char *type, cJSON *config, const char *hash,
                       const char *address, const char **why)
{
    int err = 0;
    cJSON_DeleteItemFromObjectCaseSensitive(config, "user_password");
    if (strcmp(type, "email") == 0) {
        err = check_email(config, why);
        if (err == 0)
            err = finish_email(config, hash, address);
    } else if (strcmp(type, "investment_research") == 0) {
        *why = "config.user_id is required and must be a string";
        if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(config, "user_id")))
            err = -EINVAL;
    }
    if (err < 0)
        return err;
    /* Whatever a sharepoint connector is created with is a secret or of no use here. */
    bool empty = strcmp(type, "sharepoint") == 0;
    d->config = empty ? strdup("{}") : cJSON_PrintUnformatted(config);
    return d->config ? 0 : -ENOMEM;
}

static bool is_known_type(const char *type)
{
    return strcmp(type, "email") == 0 || strcmp(type, "investment_research") == 0 ||
           strcmp(type, "sharepoint") == 0;
}

int json_draft_create(const char *body, size_t len, const char *email_hash, struct draft *out,
                      const char **why)
{
    *out = (struct draft){0};
    int err = parse_object(body, len, &out->doc, why);
    if (err < 0)
        return err;
    const cJSON *type = member(out, "type");
    *why = "type is required and must be email, investment_research or sharepoint";
    if (!cJSON_IsString(type) || !is_known_type(type->valuestring))
        return -EINVAL;
    out->type = type->valuestring;
    err = take_common(out, why);
    if (err < 0)
        return err;
    cJSON *config = cJSON_GetObjectItemCaseSensitive(out->doc, "config");
    *why = "config is required and must be an object";
    if (!cJSON_IsObject(config))
        return -EINVAL;
    char address[JSON_EMAIL_SIZE];
    (void)snprintf(address, sizeof address, "%s@connectors.example.com", email_hash);
    return take_config(out, out->type, config, email_hash, address, why);
}

/* The new config of an email connector: the given one with the hash and address it had. */
static int update_email(struct draft *d, const cJSON *had, const char **why)
{
    const cJSON *hash = cJSON_GetObjectItemCaseSensitive(had, "email_hash");
    const cJSON *address = cJSON_GetObjectItemCaseSensitive(had, "email");
    if (!cJSON_IsString(hash) || !cJSON_IsString(address))
        return -EIO;
    cJSON *config = cJSON_GetObjectItemCaseSensitive(d->doc, "config");
    if (config == NULL)
        config = cJSON_AddObjectToObject(d->doc, "config");
    *why = "config must be an object";
    if (!cJSON_IsObject(config))
        return config ? -EINVAL : -ENOMEM;
    return take_config(d, "email", config, hash->valuestring, address->valuestring, why);
}

static int update_other(struct draft *d, const struct record *current, const cJSON *had,
                        const char **why)
{
    cJSON *config = cJSON_GetObjectItemCaseSensitive(d->doc, "config");
    if (cJSON_IsObject(config))
        cJSON_DeleteItemFromObjectCaseSensitive(config, "user_password");
    *why = "config can be changed for email connectors only";
    if (config && !cJSON_Compare(config, had, true))
        return -EINVAL;
    d->config = strdup(current->config);
    return d->config ? 0 : -ENOMEM;
}

int json_draft_update(const char *body, size_t len, const struct record *current, struct draft *out,
                      const char **why)
{
    *out = (struct draft){0};
    int err = parse_object(body, len, &out->doc, why);
    if (err == 0)
        err = take_common(out, why);
    if (err < 0)
        return err;
    const cJSON *type = member(out, "type");
    *why = "type cannot be changed";
    if (type && (!cJSON_IsString(type) || strcmp(type->valuestring, current->type) != 0))
        return -EINVAL;
    const cJSON *archived = member(out, "archived");
    *why = "archived cannot be changed";
    if (archived && (!cJSON_IsBool(archived) || cJSON_IsTrue(archived) != current->archived))
        return -EINVAL;
    cJSON *had = cJSON_Parse(current->config);
    if (had == NULL)
        return -ENOMEM;
    if (strcmp(current->type, "email") == 0)
        err = update_email(out, had, why);
    else
        err = update_other(out, current, had, why);
    cJSON_Delete(had);
    return err;
}

void json_draft_free(struct draft *d)
{
    cJSON_Delete(d->doc);
    free(d->config);
    *d = (struct draft){0};
}
