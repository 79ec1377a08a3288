/* What the answers of the service mean. */
#include "bigdatafs/service/api.h"

#include <errno.h>

#include "api_owner.h"
#include "check.h"
#include "client.h"
#include "fakes/fake_http.h"
#include "fakes/fake_loop.h"

#define ID "019a9612-bfad-758c-884e-000000000001"
#define ID_UPPER "019A9612-BFAD-758C-884E-000000000001"
#define OTHER_ID "019a9612-bfad-758c-884e-000000000002"
#define OBJECT(id) "{\"connector_id\":\"" id "\",\"archived\":true}"
#define LIST_TARGET "/contents/v1/connectors"
#define KEY "the-secret-key"

enum { TIMEOUT_S = 30 };

struct bench {
    struct loop *loop;
    struct http *http;
    struct log log;
    struct client *client;
    struct api *api;
    /* What the last operation ended with. */
    unsigned done;
    struct api_result result;
    char id[40]; /* of the snapshot in it; "" for none */
    unsigned restarts, elements;
    int element_err;
};

static enum rekey on_rekey(void *arg, struct http *http, bool refused, char *why, size_t size)
{
    (void)arg, (void)http, (void)refused, (void)why, (void)size;
    return REKEY_SAME;
}

static void set_up(struct bench *b)
{
    *b = (struct bench){0};
    log_init(&b->log, LOG_EMERG);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(http_new(b->loop, NULL, &b->http), 0);
    CHECK_INT(http_set_key(b->http, KEY), 0);
    struct client_parts parts = {
        .loop = b->loop, .log = &b->log, .http = b->http, .rekey = on_rekey};
    CHECK_INT(client_new(&parts, &b->client), 0);
    CHECK_INT(api_new(b->loop, b->client, TIMEOUT_S, &b->api), 0);
}

static void tear_down(struct bench *b)
{
    api_free(b->api);
    client_free(b->client);
    http_free(b->http);
    loop_free(b->loop);
}

static void on_done(void *arg, const struct api_result *result)
{
    struct bench *b = arg;
    b->done++;
    b->result = *result;
    snprintf(b->id, sizeof b->id, "%s", result->snapshot != NULL ? result->snapshot->id : "");
    b->result.snapshot = NULL;
}

static void on_restart(void *arg)
{
    struct bench *b = arg;
    b->restarts++;
    b->elements = 0;
}

static int on_element(void *arg, const char *json, size_t len)
{
    struct bench *b = arg;
    (void)json, (void)len;
    b->elements++;
    return b->element_err;
}

typedef int start_fn(struct api *a, const char *id, const struct api_call *call,
                     struct api_op **op);

/* Starts an operation on ID and lets its request be made. */
static struct api_op *start(struct bench *b, start_fn *start_one)
{
    struct api_call call = {.deadline_ms = api_deadline(b->api), .done = on_done, .arg = b};
    struct api_op *op = NULL;
    b->done = 0;
    CHECK_INT(start_one(b->api, ID, &call, &op), 0);
    fake_loop_settle(b->loop);
    return op;
}

static struct http_request *start_list(struct bench *b)
{
    struct api_list_sink sink = {
        .restart = on_restart, .element = on_element, .done = on_done, .arg = b};
    struct api_op *op;
    b->done = b->restarts = b->elements = 0;
    CHECK_INT(api_list(b->api, &sink, &op), 0);
    fake_loop_settle(b->loop);
    return fake_http_waiting(b->http, 0);
}

static struct http_request *waiting(struct bench *b)
{
    return fake_http_waiting(b->http, 0);
}

static void test_what_is_asked(void)
{
    static const struct {
        start_fn *start_one;
        enum http_method method;
        const char *target;
    } rows[] = {
        {api_get, HTTP_GET, LIST_TARGET "/" ID},
        {api_archive, HTTP_DELETE, LIST_TARGET "/" ID},
        {api_force_delete, HTTP_DELETE, LIST_TARGET "/" ID "?force_delete=true"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b;
        set_up(&b);
        struct api_op *op = start(&b, rows[i].start_one);
        CHECK_INT(waiting(&b)->method, rows[i].method);
        CHECK_STR(waiting(&b)->target, rows[i].target);
        CHECK_INT(waiting(&b)->timeout_ms, TIMEOUT_S * 1000);
        api_cancel(op);
        CHECK_INT(b.done, 0);
        tear_down(&b);
    }
}

static void test_no_other_id_is_put_into_a_url(void)
{
    static const char *const ids[] = {"", "x", "..", ID "/", ID "?force_delete=true", ID "0"};
    struct bench b;
    set_up(&b);
    struct api_call call = {.deadline_ms = api_deadline(b.api), .done = on_done, .arg = &b};
    struct api_op *op;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        CHECK_INT(api_get(b.api, ids[i], &call, &op), -EINVAL);
        CHECK_INT(api_archive(b.api, ids[i], &call, &op), -EINVAL);
        CHECK_INT(api_force_delete(b.api, ids[i], &call, &op), -EINVAL);
    }
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_started(b.http), 0);
    CHECK_INT(b.done, 0);
    tear_down(&b);
}

/* The end of an operation that is answered with this status and body. */
static void check_answer(start_fn *start_one, long status, const char *body, int err,
                         const char *id)
{
    struct bench b;
    set_up(&b);
    start(&b, start_one);
    fake_http_answer_status(waiting(&b), status, body);
    bool ok = CHECK_INT(b.done, 1);
    ok = CHECK_INT(b.result.err, err) && ok;
    ok = CHECK_STR(b.id, id) && ok;
    ok = CHECK_INT(b.result.attempts, 1) && ok;
    bool page = b.result.failure == FAILURE_MALFORMED && start_one != api_get;
    ok = CHECK(b.result.unsure == page) && ok;
    if (!ok)
        fprintf(stderr, "    HTTP %ld %s\n", status, body != NULL ? body : "without a body");
    tear_down(&b);
}

static void test_a_get_must_bring_the_connector(void)
{
    check_answer(api_get, 200, OBJECT(ID), 0, ID);
    check_answer(api_get, 200, OBJECT(ID_UPPER), 0, ID_UPPER);
    check_answer(api_get, 200, OBJECT(OTHER_ID), -EIO, "");
    check_answer(api_get, 200, "", -EIO, "");
    check_answer(api_get, 200, NULL, -EIO, "");
    check_answer(api_get, 204, NULL, -EIO, "");
    check_answer(api_get, 200, "<html>", -EIO, "");
    check_answer(api_get, 200, "{\"connector_id\":1}", -EIO, "");
    check_answer(api_get, 200, "{}", -EIO, "");
    check_answer(api_get, 304, NULL, -EIO, "");
    check_answer(api_get, 403, "<html>", -EACCES, "");
}

static void test_a_delete_needs_no_body(void)
{
    start_fn *const deletes[] = {api_archive, api_force_delete};
    for (size_t i = 0; i < 2; i++) {
        check_answer(deletes[i], 204, NULL, 0, "");
        check_answer(deletes[i], 200, NULL, 0, "");
        check_answer(deletes[i], 202, "{}", 0, "");
        check_answer(deletes[i], 200, OBJECT(ID), 0, ID);
        check_answer(deletes[i], 200, "{\"connector_id\":\"" ID_UPPER "\"}", 0, ID_UPPER);
        check_answer(deletes[i], 200, "{\"message\":\"soon\",\"errorCode\":null}", 0, "");
        check_answer(deletes[i], 202, "\"accepted\"", 0, "");
        check_answer(deletes[i], 200, "[]", 0, "");
        check_answer(deletes[i], 304, NULL, -EIO, "");
        check_answer(deletes[i], 409, NULL, -EBUSY, "");
    }
}

/* A login page, or an answer to something else: what became of the DELETE is not known. */
static void test_a_page_is_no_answer_to_a_delete(void)
{
    static const char *const pages[] = {
        "<html>Sign in</html>", "OK",
        "{} and more",          "{\"connector_id\":\"" ID,
        OBJECT(OTHER_ID),       "{\"connector_id\":\"" OTHER_ID "\",\"config\":7}",
        "{\"connector_id\":7}", "{\"errorCode\":\"NOT_NOW\"}",
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        check_answer(api_archive, 200, pages[i], -EIO, "");
        check_answer(api_force_delete, 202, pages[i], -EIO, "");
    }
}

/* Only the API knows of connectors: it answers with a JSON object. */
static void test_a_gateways_404(void)
{
    static const char *const pages[] = {NULL,     "",   "default backend - 404",
                                        "<html>", "[]", "\"no\""};
    start_fn *const calls[] = {api_get, api_archive, api_force_delete};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        for (size_t j = 0; j < 3; j++)
            check_answer(calls[j], 404, pages[i], -EIO, "");
    check_answer(api_get, 404, "{}", -ENOENT, "");
    check_answer(api_archive, 404, "{\"detail\":\"Not found\"}", -ENOENT, "");
    check_answer(api_force_delete, 404, " {\"message\":\"Not found\"}\n", -ENOENT, "");
}

static void test_what_counts_as_gone(void)
{
    static const struct {
        long status;
        enum failure failure;
        bool gone;
    } rows[] = {
        {404, FAILURE_NONE, false},      {200, FAILURE_NONE, false},
        {204, FAILURE_NONE, false},      {400, FAILURE_NONE, false},
        {403, FAILURE_NONE, false},      {410, FAILURE_NONE, false},
        {0, FAILURE_LIBRARY, false},     {404, FAILURE_TOO_LARGE, false},
        {404, FAILURE_MALFORMED, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b;
        set_up(&b);
        start(&b, api_archive);
        fake_http_answer(waiting(&b), (struct http_answer){.status = rows[i].status,
                                                           .failure = rows[i].failure,
                                                           .sent = true,
                                                           .retry_after_s = -1});
        CHECK_INT(b.done, 1);
        CHECK(api_says_gone(&b.result) == rows[i].gone);
        tear_down(&b);
    }
    struct bench b;
    set_up(&b);
    start(&b, api_get);
    fake_http_answer_status(waiting(&b), 404, "{}");
    CHECK(api_says_gone(&b.result));
    tear_down(&b);
}

static void test_what_the_service_said(void)
{
    struct bench b;
    set_up(&b);
    start(&b, api_archive);
    fake_http_answer_status(waiting(&b), 404,
                            "{\"errorCode\":\"CONNECTOR_NOT_FOUND\",\"message\":\"Not found\","
                            "\"requestId\":\"r1\",\"timestamp\":7}");
    CHECK_STR(b.result.error_code, "CONNECTOR_NOT_FOUND");
    CHECK_STR(b.result.message, "Not found");
    CHECK_STR(b.result.request_id, "r1");
    char text[200];
    api_describe(&b.result, text, sizeof text);
    CHECK_STR(text, "HTTP 404 CONNECTOR_NOT_FOUND: Not found");
    tear_down(&b);
}

static void test_the_key_is_masked(void)
{
    struct bench b;
    set_up(&b);
    start(&b, api_archive);
    fake_http_answer_status(waiting(&b), 403,
                            "{\"errorCode\":\"" KEY "\",\"message\":\"no key " KEY ", " KEY "\","
                            "\"requestId\":\"x" KEY "x\"}");
    CHECK_STR(b.result.message, "no key **************, **************");
    CHECK_STR(b.result.error_code, "**************");
    CHECK_STR(b.result.request_id, "x**************x");
    /* In libcurl's reason and in a header too. */
    start(&b, api_archive);
    struct http_answer answer = {.failure = FAILURE_TLS, .reason = "about " KEY};
    fake_http_answer(waiting(&b), answer);
    CHECK_STR(b.result.message, "about **************");
    start(&b, api_archive);
    answer = (struct http_answer){.status = 204, .request_id = KEY};
    fake_http_answer(waiting(&b), answer);
    CHECK_STR(b.result.request_id, "**************");
    tear_down(&b);
}

/* No claim that a deletion did not happen, when it may have. */
static void test_unsure(void)
{
    struct bench b;
    set_up(&b);
    struct api_op *op = start(&b, api_force_delete);
    CHECK_INT(api_sent(op), API_UNSENT);
    CHECK_INT(api_attempts(op), 0);
    fake_http_send(waiting(&b));
    CHECK_INT(api_sent(op), API_IN_FLIGHT);
    CHECK_INT(api_attempts(op), 1);
    fake_http_answer_failure(waiting(&b), FAILURE_BROKEN, true);
    CHECK_INT(b.done, 1);
    CHECK(b.result.unsure && b.result.lost);
    CHECK_INT(b.result.err, -EIO);

    /* An archive is sent again; a 404 after one that was lost may be its own doing. */
    op = start(&b, api_archive);
    fake_http_answer_failure(waiting(&b), FAILURE_BROKEN, true);
    CHECK_INT(api_sent(op), API_LOST);
    CHECK_INT(api_attempts(op), 1);
    fake_loop_advance(b.loop, 1000);
    CHECK_INT(api_sent(op), API_LOST);
    CHECK_INT(api_attempts(op), 1);
    fake_http_send(waiting(&b));
    CHECK_INT(api_sent(op), API_IN_FLIGHT);
    CHECK_INT(api_attempts(op), 2);
    fake_http_answer_status(waiting(&b), 404, "{}");
    CHECK_INT(b.done, 1);
    CHECK(b.result.unsure && b.result.lost && api_says_gone(&b.result));

    /* Success leaves nothing to be unsure of. */
    start(&b, api_archive);
    fake_http_answer_failure(waiting(&b), FAILURE_BROKEN, true);
    fake_loop_advance(b.loop, 1000);
    fake_http_answer_status(waiting(&b), 204, NULL);
    CHECK(!b.result.unsure && b.result.lost);

    /* What had no connection is sure not to have happened. */
    start(&b, api_force_delete);
    fake_http_answer_failure(waiting(&b), FAILURE_TLS, false);
    CHECK(!b.result.unsure);
    tear_down(&b);
}

static void test_no_more_is_sent_when_told_so_meanwhile(void)
{
    struct bench b;
    set_up(&b);
    struct api_op *op = start(&b, api_archive);
    fake_http_send(waiting(&b));
    api_send_no_more(op);
    CHECK_INT(b.done, 0);
    fake_http_answer_failure(waiting(&b), FAILURE_TIMEOUT, true);
    CHECK_INT(b.done, 1);
    CHECK(b.result.unsure);
    CHECK_INT(fake_http_started(b.http), 1);
    tear_down(&b);
}

static void test_cancelled_while_an_answer_arrives(void)
{
    struct bench b;
    set_up(&b);
    struct api_op *op = start(&b, api_get);
    CHECK_INT(fake_http_feed(waiting(&b), 200, "{\"connector_id\":"), FAILURE_NONE);
    api_cancel(op);
    CHECK(waiting(&b) == NULL);
    struct api_list_sink sink = {
        .restart = on_restart, .element = on_element, .done = on_done, .arg = &b};
    CHECK_INT(api_list(b.api, &sink, &op), 0);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_http_feed(waiting(&b), 200, "{\"results\":[{},{"), FAILURE_NONE);
    api_cancel(op);
    CHECK_INT(b.elements, 1);
    CHECK_INT(b.done, 0);
    tear_down(&b);
}

static void test_a_whole_list(void)
{
    struct bench b;
    set_up(&b);
    struct http_request *r = start_list(&b);
    CHECK_STR(r->target, LIST_TARGET);
    CHECK_STR(r->if_none_match, "");
    CHECK_INT(b.restarts, 1);
    CHECK_INT(fake_http_feed(r, 200, "{\"results\":[{},{"), FAILURE_NONE);
    CHECK_INT(b.elements, 1);
    CHECK_INT(fake_http_feed(r, 200, "}]}"), FAILURE_NONE);
    fake_http_answer(
        r, (struct http_answer){
               .status = 200, .etag = "\"1\"", .last_modified = "then", .retry_after_s = -1});
    CHECK_INT(b.result.err, 0);
    CHECK_INT(b.elements, 2);
    CHECK(!b.result.not_modified);

    /* The next one may be answered with "not modified", and the one after that too. */
    for (unsigned i = 0; i < 2; i++) {
        r = start_list(&b);
        CHECK_STR(r->if_none_match, "\"1\"");
        CHECK_STR(r->if_modified_since, "then");
        fake_http_answer_status(r, 304, NULL);
        CHECK_INT(b.result.err, 0);
        CHECK(b.result.not_modified);
    }
    api_forget_list(b.api);
    r = start_list(&b);
    CHECK_STR(r->if_none_match, "");
    CHECK_STR(r->if_modified_since, "");
    fake_http_answer_status(r, 200, "{\"results\":[]}");
    tear_down(&b);
}

/* A list that must not be taken for whole, and whose ETag is not kept. */
static void check_bad_list(long status, const char *body, int err, enum failure failure)
{
    struct bench b;
    set_up(&b);
    struct http_request *r = start_list(&b);
    struct http_answer answer = {.status = status, .etag = "\"2\"", .retry_after_s = -1};
    if (body != NULL)
        answer.failure = fake_http_feed(r, status, body);
    fake_http_answer(r, answer);
    bool ok = CHECK_INT(b.done, 1);
    ok = CHECK_INT(b.result.err, err) && ok;
    ok = CHECK_INT(b.result.failure, failure) && ok;
    ok = CHECK(!b.result.not_modified) && ok;
    if (!ok)
        fprintf(stderr, "    HTTP %ld %s\n", status, body != NULL ? body : "without a body");
    r = start_list(&b);
    CHECK_STR(r->if_none_match, "");
    fake_http_answer_status(r, 200, "{\"results\":[]}");
    tear_down(&b);
}

static void test_no_whole_list(void)
{
    check_bad_list(200, "{\"results\":[{},{", -EIO, FAILURE_MALFORMED);
    check_bad_list(200, "{\"results\":[{}]", -EIO, FAILURE_MALFORMED);
    check_bad_list(200, "{}", -EIO, FAILURE_MALFORMED);
    check_bad_list(200, "<html>", -EIO, FAILURE_MALFORMED);
    check_bad_list(200, NULL, -EIO, FAILURE_MALFORMED);
    check_bad_list(204, NULL, -EIO, FAILURE_MALFORMED);
    check_bad_list(206, "{\"results\":[]}", -EIO, FAILURE_MALFORMED);
    check_bad_list(302, NULL, -EIO, FAILURE_NONE);
    check_bad_list(403, "<html>", -EACCES, FAILURE_NONE);
}

static void test_a_list_that_its_taker_refuses(void)
{
    static const struct {
        int err, want;
        enum failure failure;
    } rows[] = {
        {-EBADMSG, -EIO, FAILURE_MALFORMED},
        {-EFBIG, -EIO, FAILURE_TOO_LARGE},
        {-ENOMEM, -ENOMEM, FAILURE_MEMORY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b;
        set_up(&b);
        b.element_err = rows[i].err;
        struct http_request *r = start_list(&b);
        fake_http_answer_status(r, 200, "{\"results\":[{},{}]}");
        CHECK_INT(b.elements, 1);
        CHECK_INT(b.result.err, rows[i].want);
        CHECK_INT(b.result.failure, rows[i].failure);
        tear_down(&b);
    }
}

/* An attempt that broke off leaves nothing for the next one. */
static void test_a_list_begins_anew_with_each_attempt(void)
{
    struct bench b;
    set_up(&b);
    struct http_request *r = start_list(&b);
    CHECK_INT(fake_http_feed(r, 200, "{\"results\":[{},{},{"), FAILURE_NONE);
    fake_http_answer_failure(r, FAILURE_BROKEN, true);
    CHECK_INT(b.done, 0);
    fake_loop_advance(b.loop, 1000);
    CHECK_INT(b.restarts, 2);
    CHECK_INT(b.elements, 0);
    fake_http_answer_status(waiting(&b), 200, "{\"results\":[{}]}");
    CHECK_INT(b.result.err, 0);
    CHECK_INT(b.elements, 1);
    tear_down(&b);
}

int main(void)
{
    test_what_is_asked();
    test_no_other_id_is_put_into_a_url();
    test_a_get_must_bring_the_connector();
    test_a_delete_needs_no_body();
    test_a_page_is_no_answer_to_a_delete();
    test_a_gateways_404();
    test_what_counts_as_gone();
    test_what_the_service_said();
    test_the_key_is_masked();
    test_unsure();
    test_no_more_is_sent_when_told_so_meanwhile();
    test_cancelled_while_an_answer_arrives();
    test_a_whole_list();
    test_no_whole_list();
    test_a_list_that_its_taker_refuses();
    test_a_list_begins_anew_with_each_attempt();
    return check_report();
}
