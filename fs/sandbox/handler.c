#include "handler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render.h"
#include "route.h"
#include "timestamp.h"

enum { EMAIL_HASH_SIZE = 13 };

struct api {
    struct store *store;
    struct reaper *reaper;
    const char *key;
    struct list_version listed; /* the state that the two blobs show */
    struct blob *list;          /* NULL is none */
    struct blob *list_gzip;     /* NULL is not made yet */
};

int api_new(struct store *s, struct reaper *r, const char *key, struct api **out)
{
    struct api *a = calloc(1, sizeof *a);
    if (a == NULL)
        return -ENOMEM;
    a->store = s;
    a->reaper = r;
    a->key = key;
    *out = a;
    return 0;
}

static void forget_list(struct api *a)
{
    blob_unref(a->list);
    blob_unref(a->list_gzip);
    a->list = NULL;
    a->list_gzip = NULL;
}

void api_free(struct api *a)
{
    if (a == NULL)
        return;
    forget_list(a);
    free(a);
}

static int answer_error(const struct api_request *q, struct api_answer *out, unsigned status,
                        const char *code, const char *message)
{
    struct text t;
    text_init(&t, API_ANSWER_MAX);
    json_error(&t, status, code, message, q->request_id);
    out->status = status;
    int err = blob_take(&t, &out->body);
    text_free(&t);
    return err;
}

/* Answers what the store or a draft failed with. */
static int answer_failure(const struct api_request *q, struct api_answer *out, int err,
                          const char *why)
{
    switch (err) {
    case -EINVAL:
        return answer_error(q, out, 400, "INVALID_REQUEST", why);
    case -ENOENT:
        return answer_error(q, out, 404, "CONNECTOR_NOT_FOUND", "Connector not found");
    case -EBUSY:
        return answer_error(q, out, 409, "CONNECTOR_DELETING", "Connector is being deleted");
    default:
        return answer_error(q, out, 500, "INTERNAL_ERROR", "Internal error");
    }
}

static void tag_answer(struct api_answer *out, const char *instance, const char *of,
                       int64_t counter, int64_t changed_at)
{
    (void)snprintf(out->etag, sizeof out->etag, "W/\"%s-%s%" PRId64 "\"", instance, of, counter);
    /* A date is whole seconds: while the second of the change lasts, the same date could come to
     * stand for two states. */
    time_t second = (time_t)(changed_at / 1000000);
    struct tm tm;
    if (second < (time_t)(clock_now_us() / 1000000) && gmtime_r(&second, &tm) != NULL)
        (void)strftime(out->last_modified, sizeof out->last_modified, "%a, %d %b %Y %H:%M:%S GMT",
                       &tm);
}

/* Whether the client has what the tag and the date of the answer stand for. The date must be the
 * very one that was sent: a later date, from another server, proves nothing. */
static bool is_unchanged(const struct api_request *q, const struct api_answer *out)
{
    if (q->if_none_match != NULL)
        return route_etag_matches(q->if_none_match, out->etag);
    return q->if_modified_since != NULL && out->last_modified[0] != '\0' &&
           strcmp(q->if_modified_since, out->last_modified) == 0;
}

struct listing {
    struct text text;
    bool any;
};

static int add_row(void *arg, const struct record *r)
{
    struct listing *l = arg;
    if (l->any)
        text_put(&l->text, ",", 1);
    l->any = true;
    json_connector(&l->text, r);
    return l->text.err;
}

static int make_list(struct api *a)
{
    struct listing l = {.any = false};
    text_init(&l.text, API_LIST_MAX);
    text_str(&l.text, "{\"results\":[");
    forget_list(a);
    int err = store_list(a->store, add_row, &l, &a->listed);
    text_str(&l.text, "]}");
    if (err == 0)
        err = blob_take(&l.text, &a->list);
    text_free(&l.text);
    return err;
}

/* Makes the blob that the request wants, unless it is there and of the current list. */
static int refresh_list(struct api *a, int64_t counter, bool gzip)
{
    int err = 0;
    if (a->list == NULL || a->listed.counter != counter)
        err = make_list(a);
    if (err == 0 && gzip && a->list_gzip == NULL)
        err = blob_gzip(a->list, &a->list_gzip);
    return err;
}

static int list_connectors(struct api *a, const struct api_request *q, struct api_answer *out)
{
    struct list_version now;
    store_version(a->store, &now);
    tag_answer(out, now.instance, "l", now.counter, now.changed_at);
    out->varies = true;
    if (is_unchanged(q, out)) {
        out->status = 304;
        return 0;
    }
    bool gzip = route_accepts_gzip(q->accept_encoding);
    int err = refresh_list(a, now.counter, gzip);
    if (err < 0) {
        *out = (struct api_answer){0};
        return answer_failure(q, out, err, NULL);
    }
    /* A hard delete may have gone on in between. */
    out->last_modified[0] = '\0';
    tag_answer(out, a->listed.instance, "l", a->listed.counter, a->listed.changed_at);
    out->gzip = gzip;
    out->status = 200;
    out->body = blob_ref(gzip ? a->list_gzip : a->list);
    return 0;
}

/* A connector on its way to an answer. */
struct one {
    struct text text;
    int64_t revision;
    int64_t changed_at;
};

static int render_one(void *arg, const struct record *r)
{
    struct one *one = arg;
    one->revision = r->revision;
    one->changed_at = r->changed_at;
    json_connector(&one->text, r);
    return one->text.err;
}

static void one_init(struct one *one)
{
    *one = (struct one){0};
    text_init(&one->text, API_ANSWER_MAX);
}

/* Answers with the connector when err is 0, else with the failure. */
static int one_finish(const struct api_request *q, struct api_answer *out, struct one *one, int err)
{
    out->status = 200;
    if (err == 0)
        err = blob_take(&one->text, &out->body);
    text_free(&one->text);
    return err < 0 ? answer_failure(q, out, err, NULL) : 0;
}

static int gzip_answer(const struct api_request *q, struct api_answer *out)
{
    struct blob *plain = out->body;
    int err = blob_gzip(plain, &out->body);
    blob_unref(plain);
    if (err < 0) {
        *out = (struct api_answer){0};
        return answer_failure(q, out, err, NULL);
    }
    out->gzip = true;
    return 0;
}

static int get_connector(struct api *a, const struct api_request *q, struct api_answer *out,
                         const char *id)
{
    struct one one;
    one_init(&one);
    struct list_version now;
    store_version(a->store, &now);
    int err = store_get(a->store, id, render_one, &one);
    err = one_finish(q, out, &one, err);
    if (err < 0 || out->status != 200)
        return err;
    tag_answer(out, now.instance, "c", one.revision, one.changed_at);
    out->varies = true;
    if (is_unchanged(q, out)) {
        blob_unref(out->body);
        out->body = NULL;
        out->status = 304;
        return 0;
    }
    return route_accepts_gzip(q->accept_encoding) ? gzip_answer(q, out) : 0;
}

static int create_connector(struct api *a, const struct api_request *q, struct api_answer *out)
{
    uint64_t bits[3];
    int err = uuid_entropy(bits, sizeof bits);
    if (err < 0)
        return answer_failure(q, out, err, NULL);
    char id[UUID_SIZE], hash[EMAIL_HASH_SIZE];
    int64_t now = clock_now_us();
    uuid_v7((uint64_t)now / 1000, bits, id);
    (void)snprintf(hash, sizeof hash, "%012" PRIx64, bits[2] >> 16);

    struct draft d;
    struct one one;
    err = json_draft_create(q->body, q->body_len, hash, &d);
    if (err < 0) {
        err = answer_failure(q, out, err, d.why);
        json_draft_free(&d);
        return err;
    }
    const struct record r = {
        .id = id,
        .user_id = "user_id_001",
        .org_id = "org_id_001",
        .label = d.label,
        .type = d.type,
        .description = d.description,
        .config = d.config,
        .created_at = now,
        .updated_at = now,
        .last_sync_at = -1,
        .last_sync_count = -1,
        .changed_at = now,
        .share_with_org = d.share_with_org,
    };
    one_init(&one);
    err = store_insert(a->store, &r, render_one, &one);
    json_draft_free(&d);
    return one_finish(q, out, &one, err);
}

struct edit {
    const struct api_request *request;
    struct draft draft;
};

static int make_draft(void *arg, const struct record *r)
{
    struct edit *e = arg;
    return json_draft_update(e->request->body, e->request->body_len, r, &e->draft);
}

static int update_connector(struct api *a, const struct api_request *q, struct api_answer *out,
                            const char *id)
{
    struct edit edit = {.request = q};
    int err = store_get(a->store, id, make_draft, &edit);
    if (err < 0) {
        err = answer_failure(q, out, err, edit.draft.why);
        json_draft_free(&edit.draft);
        return err;
    }
    const struct store_edit change = {
        .id = id,
        .label = edit.draft.label,
        .description = edit.draft.description,
        .config = edit.draft.config,
        .now = clock_now_us(),
        .share_with_org = edit.draft.share_with_org,
    };
    struct one one;
    one_init(&one);
    err = store_update(a->store, &change, render_one, &one);
    json_draft_free(&edit.draft);
    return one_finish(q, out, &one, err);
}

static int archive_connector(struct api *a, const struct api_request *q, struct api_answer *out,
                             const char *id)
{
    struct one one;
    one_init(&one);
    int err = store_archive(a->store, id, clock_now_us(), render_one, &one);
    return one_finish(q, out, &one, err);
}

static int hard_delete_connector(struct api *a, const struct api_request *q, struct api_answer *out,
                                 const char *id)
{
    int err = store_hard_delete(a->store, id, clock_now_us());
    if (err < 0)
        return answer_failure(q, out, err, NULL);
    reaper_wake(a->reaper);
    struct text t;
    text_init(&t, API_ANSWER_MAX);
    text_str(&t, "{\"connector_id\":");
    text_json(&t, id);
    text_str(&t, ",\"status\":\"deleting\"}");
    out->status = 202;
    err = blob_take(&t, &out->body);
    text_free(&t);
    return err;
}

static int handle_connector(struct api *a, const struct api_request *q, struct api_answer *out,
                            const char *text)
{
    char id[UUID_SIZE];
    if (!uuid_parse(text, id))
        return answer_error(q, out, 400, "INVALID_CONNECTOR_ID", "connector_id must be a UUID");
    if (strcmp(q->method, "GET") == 0)
        return get_connector(a, q, out, id);
    if (strcmp(q->method, "PUT") == 0)
        return update_connector(a, q, out, id);
    switch (route_force_delete(q->query)) {
    case ROUTE_ARCHIVE:
        return archive_connector(a, q, out, id);
    case ROUTE_HARD_DELETE:
        return hard_delete_connector(a, q, out, id);
    case ROUTE_FORCE_INVALID:
        break;
    }
    return answer_failure(q, out, -EINVAL, "force_delete must be true or false");
}

/* The gateway in front of the service answers this; it does not know the service's own errors. */
static int answer_unknown_route(struct api_answer *out)
{
    struct text t;
    text_init(&t, API_ANSWER_MAX);
    text_str(&t, "{\"message\":\"Missing Authentication Token\"}");
    out->status = 403;
    int err = blob_take(&t, &out->body);
    text_free(&t);
    return err;
}

/* Compares in a time that does not tell how much of the key is right. */
static bool key_fits(const char *key, const char *given)
{
    size_t key_len = strlen(key), given_len = strlen(given);
    unsigned char differ = key_len != given_len;
    for (size_t i = 0; i < given_len; i++)
        differ |= (unsigned char)(given[i] ^ key[key_len > 0 ? i % key_len : 0]);
    return differ == 0;
}

static const char *allowed_methods(enum route route)
{
    return route == ROUTE_LIST ? "GET, POST" : "GET, PUT, DELETE";
}

static bool method_fits(enum route route, const char *method)
{
    if (strcmp(method, "GET") == 0)
        return true;
    if (route == ROUTE_LIST)
        return strcmp(method, "POST") == 0;
    return strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0;
}

int api_handle(struct api *a, const struct api_request *q, struct api_answer *out)
{
    char id[ROUTE_ID_SIZE];
    *out = (struct api_answer){0};
    enum route route = route_match(q->path, id);
    if (route == ROUTE_UNKNOWN)
        return answer_unknown_route(out);
    if (!method_fits(route, q->method)) {
        out->allow = allowed_methods(route);
        return answer_error(q, out, 405, "METHOD_NOT_ALLOWED", "Method not allowed");
    }
    if (q->key == NULL || q->key[0] == '\0')
        return answer_error(q, out, 401, "UNAUTHORIZED", "X-API-KEY is missing");
    if (a->key != NULL && !key_fits(a->key, q->key))
        return answer_error(q, out, 401, "UNAUTHORIZED", "The API key is not valid");
    if (q->body_too_large)
        return answer_error(q, out, 413, "PAYLOAD_TOO_LARGE", "The body is larger than 1 MiB");
    if (route == ROUTE_CONNECTOR)
        return handle_connector(a, q, out, id);
    return strcmp(q->method, "GET") == 0 ? list_connectors(a, q, out) : create_connector(a, q, out);
}
