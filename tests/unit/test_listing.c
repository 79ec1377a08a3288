#include "listing.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

/* What the callback got: the elements, a '|' after each. */
struct seen {
    struct buf text;
    int count;
    int fail_at; /* the callback fails at this element, from 1 */
};

static int on_element(void *arg, const char *json, size_t len)
{
    struct seen *seen = arg;
    CHECK_INT(json[len], 0);
    CHECK_INT(strlen(json), len);
    if (++seen->count == seen->fail_at)
        return -EDQUOT;
    int err = buf_append(&seen->text, json, len);
    return err < 0 ? err : buf_append(&seen->text, "|", 1);
}

/* Feeds text in pieces of step bytes, finishes, and returns what the parse ended with. */
static int parse(const char *text, size_t len, size_t step, struct seen *seen)
{
    struct listing *l;
    int err = 0;
    buf_init(&seen->text, 1 << 24);
    seen->count = 0;
    CHECK_INT(listing_new(on_element, seen, &l), 0);
    for (size_t at = 0; at < len && err == 0; at += step)
        err = listing_feed(l, text + at, len - at < step ? len - at : step);
    int finished = listing_finish(l);
    if (err < 0)
        CHECK_INT(finished, err);
    listing_free(l);
    return finished;
}

/* The outcome must not hang on where the bytes are split. */
static void check_parse(const char *text, size_t len, int want, const char *want_seen, int line)
{
    size_t steps[] = {len + 1, 1, 2, 3, 7};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct seen seen = {.fail_at = 0};
        bool ok = CHECK_INT(parse(text, len, steps[i], &seen), want);
        if (want == 0)
            ok = CHECK_BYTES(seen.text.data != NULL ? seen.text.data : "", seen.text.len, want_seen,
                             strlen(want_seen)) &&
                 ok;
        if (!ok)
            fprintf(stderr, "    called from line %d, step %zu: %.200s\n", line, steps[i], text);
        buf_free(&seen.text);
    }
}
#define GOOD(text, seen) check_parse(text, strlen(text), 0, seen, __LINE__)
#define BAD(text) check_parse(text, sizeof(text) - 1, -EBADMSG, "", __LINE__)

static void test_good(void)
{
    GOOD("{\"results\":[]}", "");
    GOOD(" \t\r\n{ \"results\" : [ ] } \n", "");
    GOOD("{\"results\":[{}]}", "{}|");
    GOOD("{\"results\":[{\"a\":1},{\"b\":[1,{\"c\":\"}\"}]} , {\"d\":\"]\\\"{\"}]}",
         "{\"a\":1}|{\"b\":[1,{\"c\":\"}\"}]}|{\"d\":\"]\\\"{\"}|");
    GOOD("{\"results\":[{\"a\":\"\\\\\"}]}", "{\"a\":\"\\\\\"}|");
    GOOD("{\"results\":[{ \"a\" : 1 }]}", "{ \"a\" : 1 }|");
    GOOD("{\"re\\u0073ult\\u0073\":[{}]}", "{}|");
}

static void test_other_members(void)
{
    GOOD("{\"next\":null,\"results\":[{}],\"total\":1}", "{}|");
    GOOD("{\"a\":[1,-0,0.5,1e9,-12.25E-3,true,false,null,\"x\",[],{}],\"results\":[{}]}", "{}|");
    GOOD("{\"results\":[{}],\"b\":{\"c\":{\"d\":[[[]]]},\"e\":\"\\u00e9\\n\\\"\\/\"}}", "{}|");
    GOOD("{\"a\":{\"results\":[{\"no\":1}]},\"results\":[{}]}", "{}|");
    GOOD("{\"a\":[{\"results\":7}],\"results\":[{}]}", "{}|");
    GOOD("{\"a\":\"results\",\"results\":[{}]}", "{}|");
    GOOD("{\"result\":1,\"results2\":2,\"Results\":3,\"\":4,\"results\":[{}]}", "{}|");
    GOOD("{\"a\": 1 , \"results\": [ {} ] , \"n\": 12 }", "{}|");
}

static void test_bad_structure(void)
{
    BAD("");
    BAD(" ");
    BAD("[]");
    BAD("null");
    BAD("\"results\"");
    BAD("<html>");
    BAD("\xef\xbb\xbf{\"results\":[]}");
    BAD("{}");
    BAD("{\"a\":1}");
    BAD("{\"results\":null}");
    BAD("{\"results\":{}}");
    BAD("{\"results\":\"\"}");
    BAD("{\"results\":[]");
    BAD("{\"results\":[");
    BAD("{\"results\":[{}");
    BAD("{\"results\":[{\"a\":\"b");
    BAD("{\"results\":[]]");
    BAD("{\"results\":[}}");
    BAD("{\"results\":[]}{");
    BAD("{\"results\":[]}x");
    BAD("{\"results\":[]}\0");
    BAD("{\"results\":[]}{\"results\":[]}");
    BAD("{\"results\":[],}");
    BAD("{,\"results\":[]}");
    BAD("{\"results\" []}");
    BAD("{\"results\"::[]}");
    BAD("{results:[]}");
    BAD("{\"results\":[] \"a\":1}");
    BAD("{\"results\":[]:1}");
    BAD("{\"results\":[],\"results\":[]}");
    BAD("{\"results\":[],\"r\\u0065sults\":[]}");
}

static void test_bad_elements(void)
{
    BAD("{\"results\":[1]}");
    BAD("{\"results\":[\"x\"]}");
    BAD("{\"results\":[null]}");
    BAD("{\"results\":[[]]}");
    BAD("{\"results\":[{},1]}");
    BAD("{\"results\":[{},]}");
    BAD("{\"results\":[,{}]}");
    BAD("{\"results\":[{}{}]}");
    BAD("{\"results\":[{},,{}]}");
    BAD("{\"results\":[{\"a\":[}]}");
    BAD("{\"results\":[{\"a\":[}]}]}");
    BAD("{\"results\":[{\"a\":{]}]}");
    BAD("{\"results\":[{}}]}");
}

static void test_bad_values(void)
{
    static const char *const VALUES[] = {
        "tru",      "trux",       "truex",     "nul",     "False",       "01",         "-",
        "-a",       "1.",         ".5",        "1.e1",    "1e",          "1e+",        "+1",
        "--1",      "1-2",        "1.2.3",     "1e5.2",   "0x1",         "1e5e5",      "",
        "[1,]",     "[,1]",       "[1 2]",     "[1}",     "{]",          "[}",         "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{1:2}",     "\"\\x\"", "\"\\u12g4\"", "\"\\u123\"", "\"\n\"",
        "\"\x01\"", "NaN",        "'a'",       "}",       "]",           "1,",         "-.5",
        "00",       "[1:2]",      "{\"a\",1}", "\"\\",    "\"",
    };
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
        struct buf text;
        buf_init(&text, 1000);
        CHECK_INT(buf_printf(&text, "{\"a\":%s,\"results\":[]}", VALUES[i]), 0);
        check_parse(text.data, text.len, -EBADMSG, "", __LINE__);
        buf_free(&text);
    }
    BAD("{\"a\":\"\0\",\"results\":[]}");
    BAD("{\"a\":\"\\\0\",\"results\":[]}");
}

/* {"results":[{"a":[[[...]]]}]} with count brackets, or the same in another member. */
static void check_depth(const char *before, const char *after, size_t count, int want)
{
    struct buf text;
    buf_init(&text, 10000);
    int err = buf_puts(&text, before);
    for (size_t i = 0; i < count && err == 0; i++)
        err = buf_puts(&text, "[");
    for (size_t i = 0; i < count && err == 0; i++)
        err = buf_puts(&text, "]");
    if (err == 0)
        err = buf_puts(&text, after);
    CHECK_INT(err, 0);
    struct seen seen = {.fail_at = 0};
    CHECK_INT(parse(text.data, text.len, text.len, &seen), want);
    buf_free(&seen.text);
    buf_free(&text);
}

static void test_depth(void)
{
    check_depth("{\"results\":[{\"a\":", "}]}", LISTING_DEPTH_MAX - 3, 0);
    check_depth("{\"results\":[{\"a\":", "}]}", LISTING_DEPTH_MAX - 2, -EFBIG);
    check_depth("{\"a\":", ",\"results\":[]}", LISTING_DEPTH_MAX - 1, 0);
    check_depth("{\"a\":", ",\"results\":[]}", LISTING_DEPTH_MAX, -EFBIG);
}

/* One element of exactly size bytes. */
static int parse_sized(size_t size, size_t step)
{
    static const char head[] = "{\"results\":[{\"a\":\"";
    static const char tail[] = "\"}]}";
    size_t fill = size - strlen("{\"a\":\"") - strlen("\"}");
    size_t len = sizeof head - 1 + fill + sizeof tail - 1;
    char *text = malloc(len);
    struct seen seen = {.fail_at = 0};
    if (!CHECK(text != NULL))
        return -ENOMEM;
    memcpy(text, head, sizeof head - 1);
    memset(text + sizeof head - 1, 'x', fill);
    memcpy(text + len - (sizeof tail - 1), tail, sizeof tail - 1);
    int err = parse(text, len, step, &seen);
    if (err == 0)
        CHECK_INT(seen.text.len, size + 1);
    buf_free(&seen.text);
    free(text);
    return err;
}

static void test_element_size(void)
{
    CHECK_INT(parse_sized(LISTING_ELEMENT_MAX, 1000), 0);
    CHECK_INT(parse_sized(LISTING_ELEMENT_MAX, SIZE_MAX / 2), 0);
    CHECK_INT(parse_sized(LISTING_ELEMENT_MAX + 1, 1000), -EFBIG);
    CHECK_INT(parse_sized(LISTING_ELEMENT_MAX + 1, SIZE_MAX / 2), -EFBIG);
}

static void test_callback_error_sticks(void)
{
    static const char list[] = "{\"results\":[{},{\"x\":1},{}]}";
    struct seen seen = {.fail_at = 2};
    struct listing *l;
    buf_init(&seen.text, 1000);
    CHECK_INT(listing_new(on_element, &seen, &l), 0);
    CHECK_INT(listing_feed(l, list, sizeof list - 1), -EDQUOT);
    CHECK_INT(seen.count, 2);
    CHECK_INT(listing_feed(l, "{}", 2), -EDQUOT);
    CHECK_INT(listing_feed(l, "", 0), -EDQUOT);
    CHECK_INT(listing_finish(l), -EDQUOT);
    CHECK_INT(seen.count, 2);
    CHECK_STR(seen.text.data, "{}|");
    listing_free(l);
    buf_free(&seen.text);
}

static void test_bad_sticks(void)
{
    struct seen seen = {.fail_at = 0};
    struct listing *l;
    buf_init(&seen.text, 1000);
    CHECK_INT(listing_new(on_element, &seen, &l), 0);
    CHECK_INT(listing_feed(l, "x", 1), -EBADMSG);
    CHECK_INT(listing_feed(l, "{\"results\":[{}]}", 16), -EBADMSG);
    CHECK_INT(listing_finish(l), -EBADMSG);
    CHECK_INT(seen.count, 0);
    listing_free(l);
    listing_free(NULL);
    buf_free(&seen.text);
}

int main(void)
{
    test_good();
    test_other_members();
    test_bad_structure();
    test_bad_elements();
    test_bad_values();
    test_depth();
    test_element_size();
    test_callback_error_sticks();
    test_bad_sticks();
    return check_report();
}
