/* A start that fails leaves one sentence that says why, whatever it was. */
#include "bigdatafs/service/service.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bigdatafs/base/sentence.h"
#include "check.h"

/* The linker sends these calls of the program here (--wrap); one of them fails. */
static unsigned calls, fails_at;
static bool fired;

static bool fails_now(void)
{
    bool now = ++calls == fails_at;
    fired = fired || now;
    return now;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
CURLcode __real_curl_global_init(long flags);
CURLcode __wrap_curl_global_init(long flags);
CURLM *__real_curl_multi_init(void);
CURLM *__wrap_curl_multi_init(void);
CURLMcode __real_curl_multi_setopt(CURLM *multi, CURLMoption option, ...);
CURLMcode __wrap_curl_multi_setopt(CURLM *multi, CURLMoption option, ...);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

CURLcode __wrap_curl_global_init(long flags)
{
    return fails_now() ? CURLE_FAILED_INIT : __real_curl_global_init(flags);
}

CURLM *__wrap_curl_multi_init(void)
{
    return fails_now() ? NULL : __real_curl_multi_init();
}

CURLMcode __wrap_curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return fails_now() ? CURLM_UNKNOWN_OPTION : __real_curl_multi_setopt(multi, option, value);
}

static void set_fault(unsigned at)
{
    calls = 0;
    fails_at = at;
    fired = false;
}

static void check_sentence(const char *error)
{
    size_t len = strlen(error);
    CHECK(len > 0 && len < SENTENCE_MAX - 1);
    CHECK(strchr(error, '\n') == NULL && strchr(error, '%') == NULL);
    CHECK(strstr(error, "Success") == NULL && strstr(error, "the-secret-key") == NULL);
}

struct bench {
    struct loop *loop;
    struct log log;
    struct service_config config;
    const char *variable; /* BIGDATA_API_KEY, or NULL */
};

/* Starts with the fault in that call, 0 for none. Whether it fired. */
static bool check_start(struct bench *b, unsigned at)
{
    char error[SENTENCE_MAX] = "";
    struct service *service = NULL;
    if (b->variable != NULL)
        CHECK(setenv("BIGDATA_API_KEY", b->variable, 1) == 0);
    set_fault(at);
    int err = service_new(&b->config, &service, error, sizeof error);
    bool failed = fired;
    set_fault(0);
    CHECK((err < 0) == failed);
    CHECK((service == NULL) == failed);
    CHECK(service == NULL || service_api(service) != NULL);
    if (failed)
        check_sentence(error);
    else
        CHECK_STR(error, "");
    service_free(service);
    return failed;
}

static void set_up(struct bench *b)
{
    *b = (struct bench){.config = {.base_url = "https://service.example",
                                   .unix_socket = "/nonexistent/socket",
                                   .ca_file = "/nonexistent/authority.pem",
                                   .connections = 4,
                                   .timeout_s = 30}};
    log_init(&b->log, LOG_EMERG);
    CHECK_INT(loop_new(&b->loop), 0);
    b->config.loop = b->loop;
    b->config.log = &b->log;
    unsetenv("BIGDATA_API_KEY");
}

/* Each call that the start makes fails once. */
static void fail_each(struct bench *b)
{
    unsigned at = 1;
    while (check_start(b, at))
        at++;
    CHECK(at > 15);
    loop_free(b->loop);
}

static void test_a_fixed_key(void)
{
    struct bench b;
    set_up(&b);
    b.config.fixed_key = "the-secret-key";
    fail_each(&b);
}

static void test_a_key_of_the_environment(void)
{
    struct bench b;
    set_up(&b);
    b.variable = "the-secret-key";
    fail_each(&b);
}

static void test_a_key_of_a_file(void)
{
    char path[] = "/tmp/test_service-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, "the-secret-key\n", 15) == 15 && fchmod(fd, 0600) == 0);
    close(fd);
    struct bench b;
    set_up(&b);
    b.config.api_key_file = path;
    fail_each(&b);
    unlink(path);
}

/* What is wrong with the key is said too. */
static void test_no_key(void)
{
    static const struct {
        const char *file, *variable, *word;
    } rows[] = {
        {NULL, NULL, "there is no API key"},        {"/nonexistent/key", NULL, "cannot be opened"},
        {"/tmp", NULL, "not a regular file"},       {NULL, "two words", "spaces"},
        {NULL, "two\nlines", "more than one line"},
    };
    CHECK(setenv("XDG_CONFIG_HOME", "/nonexistent", 1) == 0);
    unsetenv("CREDENTIALS_DIRECTORY");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b;
        char error[SENTENCE_MAX] = "";
        struct service *service;
        set_up(&b);
        if (rows[i].variable != NULL)
            CHECK(setenv("BIGDATA_API_KEY", rows[i].variable, 1) == 0);
        b.config.api_key_file = rows[i].file;
        CHECK(service_new(&b.config, &service, error, sizeof error) < 0);
        check_sentence(error);
        CHECK(strstr(error, rows[i].word) != NULL);
        CHECK(getenv("BIGDATA_API_KEY") == NULL);
        loop_free(b.loop);
    }
}

int main(void)
{
    test_a_fixed_key();
    test_a_key_of_the_environment();
    test_a_key_of_a_file();
    test_no_key();
    return check_report();
}
