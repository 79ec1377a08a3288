/* base_url: which sources are taken, in which form, and which are refused with which words. */
#include "source.h"

#include <errno.h>
#include <stdlib.h>

#include "check.h"

enum { ERROR_SIZE = 512 };

static void check_taken(const char *source, const char *url, const char *unix_socket, bool local)
{
    struct source b;
    char error[ERROR_SIZE] = "";
    if (!CHECK_INT(source_parse(source, &b, error, sizeof error), 0)) {
        fprintf(stderr, "    %s: %s\n", source, error);
        return;
    }
    CHECK_STR(b.url, url);
    CHECK((b.unix_socket == NULL) == (unix_socket == NULL));
    if (b.unix_socket != NULL && unix_socket != NULL)
        CHECK_STR(b.unix_socket, unix_socket);
    CHECK_INT(b.local, local);
    source_free(&b);
    CHECK(b.url == NULL && b.unix_socket == NULL);
}

static void check_refused(const char *source, const char *word)
{
    struct source b;
    char error[ERROR_SIZE] = "";
    if (!CHECK_INT(source_parse(source, &b, error, sizeof error), -EINVAL))
        fprintf(stderr, "    %s\n", source);
    if (!CHECK(strstr(error, word) != NULL))
        fprintf(stderr, "    %s: %s\n", source, error);
    CHECK(b.url == NULL && b.unix_socket == NULL);
    source_free(&b);
}

static void test_taken(void)
{
    check_taken("https://api.bigdata.com", "https://api.bigdata.com", NULL, false);
    check_taken("https://api.bigdata.com///", "https://api.bigdata.com", NULL, false);
    check_taken("https://api.bigdata.com:8443/v2/", "https://api.bigdata.com:8443/v2", NULL, false);
    check_taken("https://localhost", "https://localhost", NULL, true);
    check_taken("http://localhost:8080", "http://localhost:8080", NULL, true);
    check_taken("http://127.0.0.1:80", "http://127.0.0.1:80", NULL, true);
    check_taken("http://127.255.255.254", "http://127.255.255.254", NULL, true);
    check_taken("http://[::1]:8080/", "http://[::1]:8080", NULL, true);
    check_taken("unix:/run/api.sock", "http://localhost", "/run/api.sock", true);
}

/* The key would be seen by the network. */
static void test_clear_text(void)
{
    static const char *const sources[] = {
        "http://api.bigdata.com",
        "http://192.0.2.1",
        "http://127.0.0.1.example.com",
        "http://128.0.0.1",
        "http://localhost.example.com",
        "http://[2001:db8::1]",
        "http://[::]",
        "http://0.0.0.0",
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        check_refused(sources[i], "use https://");
}

static void test_refused(void)
{
    check_refused("", "no URL");
    check_refused("nonsense", "no URL");
    check_refused("https://", "no URL");
    check_refused("https://192.0.2.1:99999", "no URL");
    check_refused("ftp://127.0.0.1", "https://");
    check_refused("https://192.0.2.1/?q=1", "?");
    check_refused("https://192.0.2.1/#part", "#");
    check_refused("unix:", "absolute");
    check_refused("unix:run/api.sock", "absolute");
}

static void test_password_is_not_repeated(void)
{
    struct source b;
    char error[ERROR_SIZE] = "";
    CHECK_INT(source_parse("https://user:secret@192.0.2.1", &b, error, sizeof error), -EINVAL);
    CHECK(strstr(error, "password") != NULL);
    CHECK(strstr(error, "secret") == NULL);
    CHECK_INT(source_parse("https://user:secret@192.0.2.1:99999", &b, error, sizeof error),
              -EINVAL);
    CHECK(strstr(error, "secret") == NULL);
    check_refused("http://127.0.0.1@192.0.2.1", "user");
}

static void test_too_long(void)
{
    char source[SOURCE_MAX + 2] = "https://192.0.2.1/";
    size_t len = strlen(source);
    memset(source + len, 'a', sizeof source - 1 - len);
    check_refused(source, "too long");
    source[SOURCE_MAX] = '\0';
    check_taken(source, source, NULL, false);
    char path[200] = "unix:/";
    memset(path + 6, 'a', sizeof path - 7);
    check_refused(path, "too long");
}

int main(void)
{
    test_taken();
    test_clear_text();
    test_refused();
    test_password_is_not_repeated();
    test_too_long();
    return check_report();
}
