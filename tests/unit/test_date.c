#include "date.h"

#include <stdlib.h>

#include "check.h"

/* What *out holds before a call, so that a test sees whether it was written. */
static const struct timespec untouched = {.tv_sec = -77, .tv_nsec = -7};

/* A copy on the heap, without a byte to spare, shows a sanitizer each read past the end. */
static bool parse(const char *text, struct timespec *out)
{
    char *copy = strdup(text);
    if (!CHECK(copy != NULL))
        exit(check_report());
    bool ok = date_parse(copy, out);
    free(copy);
    return ok;
}

static void check_date(const char *text, long long sec, long nsec, int line)
{
    struct timespec got = untouched;
    bool ok =
        CHECK(parse(text, &got)) && CHECK_INT(got.tv_sec, sec) && CHECK_INT(got.tv_nsec, nsec);
    if (!ok)
        fprintf(stderr, "    for \"%s\", called from line %d\n", text, line);
}
#define CHECK_DATE(text, sec, nsec) check_date(text, sec, nsec, __LINE__)

static void check_refused(const char *text, int line)
{
    struct timespec got = untouched;
    bool ok = CHECK(!parse(text, &got)) && CHECK_INT(got.tv_sec, untouched.tv_sec) &&
              CHECK_INT(got.tv_nsec, untouched.tv_nsec);
    if (!ok)
        fprintf(stderr, "    for \"%s\", called from line %d\n", text, line);
}
#define CHECK_REFUSED(text) check_refused(text, __LINE__)

static void test_dates(void)
{
    CHECK_DATE("2026-02-11T11:01:09Z", 1770807669, 0);
    CHECK_DATE("2026-02-11t11:01:09z", 1770807669, 0);
    CHECK_DATE("2026-02-11 11:01:09Z", 1770807669, 0);
    CHECK_DATE("2001-09-09T01:46:40Z", 1000000000, 0);
    CHECK_DATE("2038-01-19T03:14:08Z", 2147483648, 0);
    CHECK_DATE("9999-12-31T23:59:59Z", 253402300799, 0);
}

static void test_the_first_second(void)
{
    CHECK_DATE("1970-01-01T00:00:00Z", 0, 0);
    CHECK_DATE("1970-01-01T00:00:00.000000001Z", 0, 1);
    CHECK_DATE("1970-01-01T01:00:00+01:00", 0, 0);
    CHECK_DATE("1970-01-01T00:00:00-01:00", 3600, 0);
    CHECK_REFUSED("1969-12-31T23:59:59Z");
    CHECK_REFUSED("1969-12-31T23:59:59.999999999Z");
    CHECK_REFUSED("1970-01-01T00:59:59+01:00");
    CHECK_REFUSED("1970-01-01T00:00:00+00:01");
    CHECK_REFUSED("1969-12-31T23:30:00-01:00"); /* 1970 in UTC, but not in its year */
    CHECK_REFUSED("1900-01-01T00:00:00Z");
    CHECK_REFUSED("0000-01-01T00:00:00Z");
}

static void test_calendar(void)
{
    CHECK_DATE("2000-02-29T12:00:00Z", 951825600, 0);
    CHECK_DATE("2024-02-29T12:00:00Z", 1709208000, 0);
    CHECK_DATE("2026-06-30T00:00:00Z", 1782777600, 0);
    CHECK_DATE("2026-12-31T00:00:00Z", 1798675200, 0);
    CHECK_REFUSED("2025-02-29T11:01:09Z");
    CHECK_REFUSED("2100-02-29T11:01:09Z");
    CHECK_REFUSED("2024-02-30T11:01:09Z");
    CHECK_REFUSED("2026-04-31T11:01:09Z");
    CHECK_REFUSED("2026-06-31T11:01:09Z");
    CHECK_REFUSED("2026-09-31T11:01:09Z");
    CHECK_REFUSED("2026-11-31T11:01:09Z");
    CHECK_REFUSED("2026-12-32T11:01:09Z");
    CHECK_REFUSED("2026-02-00T11:01:09Z");
    CHECK_REFUSED("2026-00-11T11:01:09Z");
    CHECK_REFUSED("2026-13-11T11:01:09Z");
}

static void test_clock(void)
{
    CHECK_DATE("2026-02-11T00:00:00Z", 1770768000, 0);
    CHECK_DATE("2026-02-11T23:59:59Z", 1770854399, 0);
    CHECK_REFUSED("2026-02-11T24:00:00Z");
    CHECK_REFUSED("2026-02-11T11:60:09Z");
    CHECK_REFUSED("2026-02-11T11:01:61Z");
    CHECK_REFUSED("2026-02-11T99:01:09Z");
}

/* A leap second is the second that follows it. */
static void test_leap_seconds(void)
{
    CHECK_DATE("2016-12-31T23:59:60Z", 1483228800, 0);
    CHECK_DATE("2016-12-31T23:59:60.25Z", 1483228800, 250000000);
    CHECK_DATE("2017-01-01T00:59:60+01:00", 1483228800, 0);
    CHECK_DATE("1972-06-30T23:59:60Z", 78796800, 0);
    CHECK_DATE("2017-01-01T00:00:00Z", 1483228800, 0);
    CHECK_REFUSED("2016-12-31T23:59:61Z");
}

static void test_offsets(void)
{
    CHECK_DATE("2026-02-11T11:01:09+00:00", 1770807669, 0);
    CHECK_DATE("2026-02-11T11:01:09-00:00", 1770807669, 0);
    CHECK_DATE("2026-02-11T12:01:09+01:00", 1770807669, 0);
    CHECK_DATE("2026-02-11T05:31:09-05:30", 1770807669, 0);
    CHECK_DATE("2026-02-12T01:01:09+14:00", 1770807669, 0);
    CHECK_DATE("2026-02-12T11:00:09+23:59", 1770807669, 0);
    CHECK_DATE("9999-12-31T23:59:59-23:59", 253402387139, 0);
    CHECK_REFUSED("2026-02-11T11:01:09");
    CHECK_REFUSED("2026-02-11T11:01:09+24:00");
    CHECK_REFUSED("2026-02-11T11:01:09-24:00");
    CHECK_REFUSED("2026-02-11T11:01:09+00:60");
    CHECK_REFUSED("2026-02-11T11:01:09+0000");
    CHECK_REFUSED("2026-02-11T11:01:09+1:00");
    CHECK_REFUSED("2026-02-11T11:01:09+01");
    CHECK_REFUSED("2026-02-11T11:01:09+-1:00");
    CHECK_REFUSED("2026-02-11T11:01:09 01:00");
    CHECK_REFUSED("2026-02-11T11:01:09UTC");
}

static void test_fractions(void)
{
    CHECK_DATE("2026-02-11T11:01:09.0Z", 1770807669, 0);
    CHECK_DATE("2026-02-11T11:01:09.5Z", 1770807669, 500000000);
    CHECK_DATE("2026-02-11T11:01:09.05Z", 1770807669, 50000000);
    CHECK_DATE("2026-02-11T11:01:09.574095Z", 1770807669, 574095000);
    CHECK_DATE("2026-02-11T11:01:09.000000001Z", 1770807669, 1);
    CHECK_DATE("2026-02-11T11:01:09.123456789123Z", 1770807669, 123456789);
    CHECK_DATE("2026-02-11T11:01:09.9999999999+00:00", 1770807669, 999999999);
    CHECK_REFUSED("2026-02-11T11:01:09.Z");
    CHECK_REFUSED("2026-02-11T11:01:09.");
    CHECK_REFUSED("2026-02-11T11:01:09.5");
    CHECK_REFUSED("2026-02-11T11:01:09,5Z");
    CHECK_REFUSED("2026-02-11T11:01:09.5.5Z");
    CHECK_REFUSED("2026-02-11T11:01:09.-5Z");

    char text[2000];
    int head = snprintf(text, sizeof text, "2026-02-11T11:01:09.");
    memset(text + head, '9', sizeof text - (size_t)head);
    memcpy(text + sizeof text - 2, "Z", 2);
    CHECK_DATE(text, 1770807669, 999999999);
}

static void test_garbage(void)
{
    CHECK_REFUSED("");
    CHECK_REFUSED("yesterday");
    CHECK_REFUSED("1770807669");
    CHECK_REFUSED(" 2026-02-11T11:01:09Z");
    CHECK_REFUSED("+2026-02-11T11:01:09Z");
    CHECK_REFUSED("12026-02-11T11:01:09Z");
    CHECK_REFUSED("2026-2-11T11:01:09Z");
    CHECK_REFUSED("2026/02/11T11:01:09Z");
    CHECK_REFUSED("2026-02-11T11.01.09Z");
    CHECK_REFUSED("2026-02-11X11:01:09Z");
    CHECK_REFUSED("2026-02-11T11:01Z");
    CHECK_REFUSED("2026-02-11T 1:01:09Z");
    CHECK_REFUSED("2026-02-11T11:01:09Zx");
    CHECK_REFUSED("2026-02-11T11:01:09ZZ");
    CHECK_REFUSED("2026-02-11T11:01:09Z ");
    CHECK_REFUSED("2026-02-11T11:01:09Z\n");
    CHECK_REFUSED("2026-02-11T11:01:09Z+01:00");
    CHECK_REFUSED("2026-02-11T11:01:09+01:00Z");
    CHECK_REFUSED("2026-02-11T11:01:09Z\xc0\x80");
    CHECK_REFUSED("\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa6-02-11T11:01:09Z"); /* Arabic digits */
}

/* No beginning of a date is a date, and none is read past its end. */
static void test_cut_off(void)
{
    static const char whole[] = "2026-02-11T11:01:09.574095+02:00";
    char text[sizeof whole];
    CHECK_DATE(whole, 1770800469, 574095000);
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        snprintf(text, sizeof text, "%.*s", (int)len, whole);
        CHECK_REFUSED(text);
    }
}

int main(void)
{
    test_dates();
    test_the_first_second();
    test_calendar();
    test_clock();
    test_leap_seconds();
    test_offsets();
    test_fractions();
    test_garbage();
    test_cut_off();
    return check_report();
}
