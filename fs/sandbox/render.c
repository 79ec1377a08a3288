#include "render.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMAIL_SIZE = 64 };

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

/* The flaw of the escape at p, as below. The text ends with a NUL, which is no digit. */
static const char *find_flaw_of_escape(const char *p)
{
    if (p[1] != 'u')
        return NULL;
    if (strspn(p + 2, "0123456789abcdefABCDEF") < 4)
        return "The body is not valid JSON";
    return strncmp(p + 2, "0000", 4) == 0 ? "NUL characters are not allowed" : NULL;
}

/* Finds what cJSON lets pass: bytes that are no UTF-8, and NUL characters, which end its strings.
 * It also takes a \u without four hexadecimal digits for a NUL. Returns a sentence for the client,
 * or NULL. */
static const char *find_flaw(const char *body, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = text_utf8(body + at, len - at);
        if (step == 0)
            return "The body is not valid UTF-8";
        if (body[at] == '\0')
            return "The body is not valid JSON";
        if (body[at] == '\\') {
            const char *flaw = find_flaw_of_escape(body + at);
            if (flaw != NULL)
                return flaw;
            if (body[at + 1] == '\\')
                step = 2; /* an escaped backslash escapes nothing itself */
        }
        at += step;
    }
    return NULL;
}

/* Notes the sentence for the client. */
static int refuse(struct draft *d, const char *why)
{
    d->why = why;
    return -EINVAL;
}

static int parse_object(const char *body, size_t len, struct draft *d)
{
    const char *flaw = find_flaw(body, len);
    if (flaw != NULL)
        return refuse(d, flaw);
    const char *end = NULL;
    errno = 0;
    if (len > 0)
        d->doc = cJSON_ParseWithLengthOpts(body, len, &end, false);
    /* cJSON does not say that it had no memory, malloc does. */
    if (d->doc == NULL && errno == ENOMEM)
        return -ENOMEM;
    if (d->doc == NULL)
        return refuse(d, "The body is not valid JSON");
    size_t rest = strspn(end, " \t\r\n"); /* the body is NUL-terminated */
    if (end + rest != body + len)
        return refuse(d, "The body is not valid JSON");
    return cJSON_IsObject(d->doc) ? 0 : refuse(d, "The body must be a JSON object");
}

static cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Deletes every member of the name: a body may have it more than once, and cJSON's own function
 * deletes only the first. */
static void delete_members(cJSON *object, const char *name)
{
    cJSON *next;
    for (cJSON *one = object->child; one != NULL; one = next) {
        next = one->next;
        if (strcmp(one->string, name) == 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(object, one));
    }
}

/* Takes the members that create and update have in common, config aside. */
static int take_common(struct draft *d)
{
    const cJSON *label = member(d->doc, "label");
    const cJSON *description = member(d->doc, "description");
    const cJSON *share = member(d->doc, "share_with_org");
    if (!cJSON_IsString(label))
        return refuse(d, "label is required and must be a string");
    if (description != NULL && !cJSON_IsString(description) && !cJSON_IsNull(description))
        return refuse(d, "description must be a string or null");
    if (share != NULL && !cJSON_IsBool(share))
        return refuse(d, "share_with_org must be true or false");
    d->label = label->valuestring;
    d->description = cJSON_IsString(description) ? description->valuestring : NULL;
    d->share_with_org = cJSON_IsTrue(share);
    return 0;
}

static bool is_array_of_strings(const cJSON *array)
{
    if (!cJSON_IsArray(array))
        return false;
    const cJSON *one;
    cJSON_ArrayForEach(one, array)
    {
        if (!cJSON_IsString(one))
            return false;
    }
    return true;
}

/* Gives the config the members that the service sets itself, whatever the client sent for them. */
static int finish_email(cJSON *config, const char *hash, const char *address)
{
    delete_members(config, "email_hash");
    delete_members(config, "email");
    if (member(config, "allowed_emails") == NULL &&
        cJSON_AddArrayToObject(config, "allowed_emails") == NULL)
        return -ENOMEM;
    if (cJSON_AddStringToObject(config, "email_hash", hash) == NULL ||
        cJSON_AddStringToObject(config, "email", address) == NULL)
        return -ENOMEM;
    return 0;
}

/* Sets d->config to what is to be stored, for which it changes config. Only an email connector has
 * a hash and an address. */
static int take_config(struct draft *d, const char *type, cJSON *config, const char *hash,
                       const char *address)
{
    delete_members(config, "user_password");
    if (strcmp(type, "email") == 0) {
        const cJSON *allowed = member(config, "allowed_emails");
        if (allowed != NULL && !is_array_of_strings(allowed))
            return refuse(d, "config.allowed_emails must be an array of strings");
        int err = finish_email(config, hash, address);
        if (err < 0)
            return err;
    }
    if (strcmp(type, "investment_research") == 0 && !cJSON_IsString(member(config, "user_id")))
        return refuse(d, "config.user_id is required and must be a string");
    /* Whatever a sharepoint connector is created with is a secret or of no use here. */
    bool empty = strcmp(type, "sharepoint") == 0;
    d->config = empty ? strdup("{}") : cJSON_PrintUnformatted(config);
    return d->config != NULL ? 0 : -ENOMEM;
}

static bool is_known_type(const char *type)
{
    return strcmp(type, "email") == 0 || strcmp(type, "investment_research") == 0 ||
           strcmp(type, "sharepoint") == 0;
}

int json_draft_create(const char *body, size_t len, const char *email_hash, struct draft *out)
{
    *out = (struct draft){0};
    int err = parse_object(body, len, out);
    if (err < 0)
        return err;
    const cJSON *type = member(out->doc, "type");
    if (!cJSON_IsString(type) || !is_known_type(type->valuestring))
        return refuse(out, "type is required and must be email, investment_research or sharepoint");
    out->type = type->valuestring;
    err = take_common(out);
    if (err < 0)
        return err;
    cJSON *config = member(out->doc, "config");
    if (!cJSON_IsObject(config))
        return refuse(out, "config is required and must be an object");
    char address[EMAIL_SIZE];
    (void)snprintf(address, sizeof address, "%s@connectors.example.com", email_hash);
    return take_config(out, out->type, config, email_hash, address);
}

/* The new config of an email connector is the given one, with the hash and address that it had. */
static int update_email(struct draft *d, const cJSON *had)
{
    const cJSON *hash = member(had, "email_hash");
    const cJSON *address = member(had, "email");
    if (!cJSON_IsString(hash) || !cJSON_IsString(address))
        return -EIO;
    cJSON *config = member(d->doc, "config");
    if (config == NULL)
        config = cJSON_AddObjectToObject(d->doc, "config");
    if (config == NULL)
        return -ENOMEM;
    if (!cJSON_IsObject(config))
        return refuse(d, "config must be an object");
    return take_config(d, "email", config, hash->valuestring, address->valuestring);
}

static int update_other(struct draft *d, const struct record *current, const cJSON *had)
{
    cJSON *config = member(d->doc, "config");
    if (cJSON_IsObject(config))
        delete_members(config, "user_password");
    if (config != NULL && !cJSON_Compare(config, had, true))
        return refuse(d, "config can be changed for email connectors only");
    d->config = strdup(current->config);
    return d->config != NULL ? 0 : -ENOMEM;
}

int json_draft_update(const char *body, size_t len, const struct record *current, struct draft *out)
{
    *out = (struct draft){0};
    int err = parse_object(body, len, out);
    if (err == 0)
        err = take_common(out);
    if (err < 0)
        return err;
    const cJSON *type = member(out->doc, "type");
    if (type != NULL && (!cJSON_IsString(type) || strcmp(type->valuestring, current->type) != 0))
        return refuse(out, "type cannot be changed");
    const cJSON *archived = member(out->doc, "archived");
    if (archived != NULL &&
        (!cJSON_IsBool(archived) || cJSON_IsTrue(archived) != current->archived))
        return refuse(out, "archived cannot be changed");
    cJSON *had = cJSON_Parse(current->config);
    if (had == NULL)
        return -ENOMEM;
    if (strcmp(current->type, "email") == 0)
        err = update_email(out, had);
    else
        err = update_other(out, current, had);
    cJSON_Delete(had);
    return err;
}

void json_draft_free(struct draft *d)
{
    cJSON_Delete(d->doc);
    free(d->config);
    *d = (struct draft){0};
}
