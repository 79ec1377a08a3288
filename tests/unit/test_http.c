/* No request leaves this machine when libcurl did not take all that was asked of it. */
#include "http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* The linker sends libcurl's calls here (--wrap), which fail when the test wants them to. */
enum call { EASY_INIT, EASY_SETOPT, SLIST_APPEND, MULTI_INIT, MULTI_SETOPT, ADD_HANDLE, CALLS };
static struct {
    unsigned counts[CALLS]; /* so far */
    enum call fails;        /* this call, */
    unsigned at;            /* the how many-th, from 1; 0 for none */
    CURLcode code;          /* with this, where it returns one */
    bool fired;
    CURLoption option; /* that failed */
} fault;

static bool fails_now(enum call call)
{
    bool now = ++fault.counts[call] == fault.at && call == fault.fails;
    fault.fired = fault.fired || now;
    return now;
}

static void set_fault(enum call call, unsigned at, CURLcode code)
{
    memset(&fault, 0, sizeof fault);
    fault.fails = call;
    fault.at = at;
    fault.code = code;
}

CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);
CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...);
struct curl_slist *__real_curl_slist_append(struct curl_slist *list, const char *text);
struct curl_slist *__wrap_curl_slist_append(struct curl_slist *list, const char *text);
CURLM *__real_curl_multi_init(void);
CURLM *__wrap_curl_multi_init(void);
CURLMcode __real_curl_multi_setopt(CURLM *multi, CURLMoption option, ...);
CURLMcode __wrap_curl_multi_setopt(CURLM *multi, CURLMoption option, ...);
CURLMcode __real_curl_multi_add_handle(CURLM *multi, CURL *easy);
CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy);

CURL *__wrap_curl_easy_init(void)
{
    return fails_now(EASY_INIT) ? NULL : __real_curl_easy_init();
}

/* libcurl itself reads a pointer where it was given a long: both have one size where it runs. */
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    if (fails_now(EASY_SETOPT)) {
        fault.option = option;
        return fault.code;
    }
    return __real_curl_easy_setopt(easy, option, value);
}

struct curl_slist *__wrap_curl_slist_append(struct curl_slist *list, const char *text)
{
    return fails_now(SLIST_APPEND) ? NULL : __real_curl_slist_append(list, text);
}

CURLM *__wrap_curl_multi_init(void)
{
    return fails_now(MULTI_INIT) ? NULL : __real_curl_multi_init();
}

CURLMcode __wrap_curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    if (fails_now(MULTI_SETOPT))
        return CURLM_UNKNOWN_OPTION;
    return __real_curl_multi_setopt(multi, option, value);
}

CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy)
{
    if (fails_now(ADD_HANDLE))
        return CURLM_OUT_OF_MEMORY;
    return __real_curl_multi_add_handle(multi, easy);
}

/* A service that listens and never answers. */
struct bench {
    struct loop *loop;
    struct http *http;
    int listener;
    char url[64];
    struct http_request request;
    struct loop_timer end;
    struct loop_watch watch;
    unsigned connections;
    unsigned done;
};

static struct http_config config_of(const struct bench *b)
{
    return (struct http_config){.base_url = b->url,
                                .ca_file = "/nonexistent/authority.pem",
                                .local = true,
                                .connections = 4};
}

static void on_end(void *arg)
{
    struct bench *b = arg;
    loop_stop(b->loop);
}

static void on_connection(void *arg, uint32_t events)
{
    (void)events;
    struct bench *b = arg;
    b->connections++;
    loop_stop(b->loop);
}

static enum failure on_data(struct http_request *r, const char *bytes, size_t len)
{
    (void)r, (void)bytes, (void)len;
    return FAILURE_NONE;
}

static void on_done(struct http_request *r)
{
    struct bench *b = r->arg;
    b->done++;
}

static void set_up(struct bench *b)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *b = (struct bench){.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    CHECK(bind(b->listener, (struct sockaddr *)&address, len) == 0);
    CHECK(listen(b->listener, 1) == 0);
    CHECK(getsockname(b->listener, (struct sockaddr *)&address, &len) == 0);
    snprintf(b->url, sizeof b->url, "https://127.0.0.1:%u", ntohs(address.sin_port));
    CHECK_INT(loop_new(&b->loop), 0);
    loop_timer_init(&b->end, on_end, b);
    b->watch = (struct loop_watch){.fd = b->listener, .ready = on_connection, .arg = b};
    CHECK_INT(loop_add(b->loop, &b->watch, EPOLLIN), 0);
    struct http_config config = config_of(b);
    set_fault(CALLS, 0, CURLE_OK);
    CHECK_INT(http_new(b->loop, &config, &b->http), 0);
    CHECK_INT(http_set_key(b->http, "the-secret-key"), 0);
    b->request = (struct http_request){.method = HTTP_DELETE,
                                       .target = "/contents/v1/connectors/x",
                                       .if_none_match = "\"1\"",
                                       .if_modified_since = "Thu, 01 Jan 1970 00:00:00 GMT",
                                       .timeout_ms = 5000,
                                       .data = on_data,
                                       .done = on_done,
                                       .arg = b};
}

static void tear_down(struct bench *b)
{
    http_cancel(b->http, &b->request);
    http_free(b->http);
    loop_timer_clear(&b->end);
    loop_remove(b->loop, &b->watch);
    loop_free(b->loop);
    close(b->listener);
}

/* Starts the request with the fault and checks that it left nothing behind, if the fault fired. */
static bool check_refused(struct bench *b, int err, enum failure failure)
{
    int started = http_start(b->http, &b->request);
    if (!fault.fired) {
        CHECK_INT(started, 0);
        return false;
    }
    CHECK_INT(started, err);
    CHECK_INT(b->request.answer.failure, failure);
    CHECK(b->request.answer.reason[0] != '\0');
    CHECK_INT(b->request.answer.retry_after_s, -1);
    CHECK(!b->request.answer.sent);
    CHECK(b->request.exchange == NULL);
    CHECK(!http_was_sent(&b->request));
    CHECK_INT(fault.counts[ADD_HANDLE], fault.fails == ADD_HANDLE);
    return true;
}

/* Every call of one kind that the start makes fails once. How many there were. */
static unsigned fail_each(enum call call, CURLcode code, int err, enum failure failure)
{
    struct bench b;
    set_up(&b);
    unsigned at = 1;
    for (set_fault(call, at, code); check_refused(&b, err, failure); set_fault(call, at, code))
        at++;
    tear_down(&b);
    return at - 1;
}

static void test_every_option_is_checked(void)
{
    unsigned options = fail_each(EASY_SETOPT, CURLE_OUT_OF_MEMORY, -ENOMEM, FAILURE_MEMORY);
    CHECK(options >= 23);
    CHECK_INT(fail_each(EASY_SETOPT, CURLE_UNKNOWN_OPTION, -EIO, FAILURE_LIBRARY), options);
    CHECK_INT(fail_each(EASY_SETOPT, CURLE_NOT_BUILT_IN, -EIO, FAILURE_LIBRARY), options);
}

static void test_other_calls_are_checked(void)
{
    CHECK_INT(fail_each(EASY_INIT, CURLE_OK, -ENOMEM, FAILURE_MEMORY), 1);
    CHECK_INT(fail_each(SLIST_APPEND, CURLE_OK, -ENOMEM, FAILURE_MEMORY), 4);
    CHECK_INT(fail_each(ADD_HANDLE, CURLE_OK, -ENOMEM, FAILURE_MEMORY), 1);
}

/* The option that names whom to trust: the service sees no connection when it fails, and it is
 * this option alone that makes the difference. */
static void test_no_connection_without_the_given_certificates(void)
{
    struct bench b;
    set_up(&b);
    unsigned at = 0;
    do {
        set_fault(EASY_SETOPT, ++at, CURLE_OUT_OF_MEMORY);
        CHECK(check_refused(&b, -ENOMEM, FAILURE_MEMORY));
    } while (fault.fired && fault.option != CURLOPT_CAINFO);
    CHECK(fault.option == CURLOPT_CAINFO);
    loop_timer_set(b.loop, &b.end, 1);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_INT(b.connections, 0);
    CHECK_INT(b.done, 0);

    set_fault(CALLS, 0, CURLE_OK);
    CHECK_INT(http_start(b.http, &b.request), 0);
    loop_timer_set(b.loop, &b.end, 5000);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_INT(b.connections, 1);
    tear_down(&b);
}

static void test_a_start_is_checked(void)
{
    struct bench b;
    set_up(&b);
    struct http_config config = config_of(&b);
    struct http *http = NULL;
    set_fault(MULTI_INIT, 1, CURLE_OK);
    CHECK_INT(http_new(b.loop, &config, &http), -ENOMEM);
    CHECK(fault.fired);
    unsigned at = 0;
    do {
        set_fault(MULTI_SETOPT, ++at, CURLE_OK);
        int err = http_new(b.loop, &config, &http);
        CHECK_INT(err, fault.fired ? -ENOSYS : 0);
        CHECK((http == NULL) == fault.fired);
    } while (fault.fired);
    CHECK(at > 7);
    http_free(http);
    tear_down(&b);
}

int main(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    test_every_option_is_checked();
    test_other_calls_are_checked();
    test_no_connection_without_the_given_certificates();
    test_a_start_is_checked();
    curl_global_cleanup();
    return check_report();
}
