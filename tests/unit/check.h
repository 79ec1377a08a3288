/* Checks that are counted and go on after a failure. Each test program is one file. */
#ifndef BIGDATAFS_TESTS_CHECK_H
#define BIGDATAFS_TESTS_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned check_passed;
static unsigned check_failed;

static inline bool check_that(bool ok, const char *file, int line, const char *what)
{
    if (ok) {
        check_passed++;
    } else {
        check_failed++;
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    }
    return ok;
}

static inline bool check_int(long long got, long long want, const char *file, int line,
                             const char *what)
{
    bool ok = check_that(got == want, file, line, what);
    if (!ok)
        fprintf(stderr, "    got %lld, want %lld\n", got, want);
    return ok;
}

static inline bool check_bytes(const char *got, size_t got_len, const char *want, size_t want_len,
                               const char *file, int line, const char *what)
{
    bool same = got && got_len == want_len && memcmp(got, want, want_len) == 0;
    bool ok = check_that(same, file, line, what);
    if (!ok)
        fprintf(stderr, "    got \"%.*s\" (%zu bytes)\n    want \"%.*s\" (%zu bytes)\n",
                got ? (int)got_len : 0, got ? got : "", got_len, (int)want_len, want, want_len);
    return ok;
}

#define CHECK(cond) check_that((cond), __FILE__, __LINE__, #cond)
#define CHECK_INT(got, want) check_int((got), (want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_BYTES(got, got_len, want, want_len)                                                  \
    check_bytes((got), (got_len), (want), (want_len), __FILE__, __LINE__, #got " == " #want)
#define CHECK_STR(got, want) CHECK_BYTES(got, strlen(got), want, strlen(want))

/* The last line of main. */
static inline int check_report(void)
{
    printf("%u passed, %u failed\n", check_passed, check_failed);
    return check_failed > 0 || check_passed == 0;
}

#endif
