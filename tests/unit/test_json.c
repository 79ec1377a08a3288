#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"

#define LITERAL(s) s, sizeof(s) - 1

#define BROKEN "\xef\xbf\xbd" /* U+FFFD, in the place of a lone surrogate */

/* Parses a copy on the heap without a byte to spare, so that a sanitizer sees a read past it. */
static int parse(const char *text, size_t len, bool *nul, cJSON **out)
{
    char *copy = malloc(len + 1);
    if (!CHECK(copy != NULL))
        exit(check_report());
    memcpy(copy, text, len);
    copy[len] = '\0';
    int err = json_parse(copy, len, nul, out);
    free(copy);
    return err;
}

static int status(const char *text, size_t len)
{
    bool nul;
    cJSON *json = NULL;
    int err = parse(text, len, &nul, &json);
    CHECK((err == 0) == (json != NULL));
    cJSON_Delete(json);
    return err;
}
#define STATUS(text) status(LITERAL(text))

/* The text is an object whose first member is a string with these bytes. */
static void check_string(const char *text, size_t len, const char *want, bool want_nul, int line)
{
    bool nul = !want_nul;
    cJSON *json = NULL;
    bool ok = CHECK_INT(parse(text, len, &nul, &json), 0) && CHECK(cJSON_IsString(json->child)) &&
              CHECK_STR(json->child->valuestring, want);
    ok = CHECK_INT(nul, want_nul) && ok;
    if (!ok)
        fprintf(stderr, "    for %s, called from line %d\n", text, line);
    cJSON_Delete(json);
}
#define STRING(escaped, want)                                                                      \
    check_string(LITERAL("{\"s\":\"" escaped "\"}"), want, false, __LINE__)
#define STRING_WITH_NUL(escaped, want)                                                             \
    check_string(LITERAL("{\"s\":\"" escaped "\"}"), want, true, __LINE__)

static void test_plain(void)
{
    STRING("", "");
    STRING("a b", "a b");
    STRING("\\n\\\"\\\\\\/", "\n\"\\/");
    STRING("\\u0041\\u00e9\\u20ac", "A\xc3\xa9\xe2\x82\xac");
    STRING("caf\xc3\xa9", "caf\xc3\xa9");
    STRING("\xff", "\xff");
}

static void test_pairs(void)
{
    STRING("\\ud83d\\ude00", "\xf0\x9f\x98\x80");
    STRING("\\uD83D\\uDE00", "\xf0\x9f\x98\x80");
    STRING("\\uD83d\\udE00", "\xf0\x9f\x98\x80");
    STRING("\\ud800\\udc00", "\xf0\x90\x80\x80");
    STRING("\\udbff\\udfff", "\xf4\x8f\xbf\xbf");
    STRING("x\\ud83d\\ude00\\ud83d\\ude01y", "x\xf0\x9f\x98\x80\xf0\x9f\x98\x81y");
}

static void test_lone_high_surrogates(void)
{
    STRING("\\ud83d", BROKEN);
    STRING("\\ud800", BROKEN);
    STRING("\\uDBFF", BROKEN);
    STRING("x\\ud83dy", "x" BROKEN "y");
    STRING("\\ud83d\\n", BROKEN "\n");
    STRING("\\ud83d\\u0041", BROKEN "A");
    STRING("\\ud83d\\ue000", BROKEN "\xee\x80\x80");
    STRING("\\ud83d\\ud83d", BROKEN BROKEN);
    STRING("\\ud83d\\ud83d\\ude00", BROKEN "\xf0\x9f\x98\x80");
    STRING("\\ud83d\\\\ude00", BROKEN "\\ude00");
    STRING("\\ud83d \\ude00", BROKEN " " BROKEN);
    STRING("\\ud83dxude00", BROKEN "xude00");
    STRING("\\ud83d\\tde00", BROKEN "\tde00");
}

static void test_lone_low_surrogates(void)
{
    STRING("\\ude00", BROKEN);
    STRING("\\udc00", BROKEN);
    STRING("\\uDFFF", BROKEN);
    STRING("x\\ude00y", "x" BROKEN "y");
    STRING("\\ude00\\ud83d", BROKEN BROKEN);
    STRING("\\ud83d\\ude00\\ude00", "\xf0\x9f\x98\x80" BROKEN);
}

static void test_no_surrogates(void)
{
    STRING("\\ud7ff", "\xed\x9f\xbf");
    STRING("\\ue000", "\xee\x80\x80");
    STRING("\\\\ud83d", "\\ud83d"); /* an escaped backslash, then text */
    STRING("\\\\\\ud83d", "\\" BROKEN);
    STRING("\\\\\\\\ud83d", "\\\\ud83d");
    CHECK_INT(STATUS("{\"s\":\"\\ud83\"}"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\ud83g\"}"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\u00zz\"}"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\u\"}"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\u0041\\u \\u0041\"}"), -EBADMSG);
    STRING("\\\\u00zz", "\\u00zz");
    CHECK_INT(STATUS("{\"s\":\"\\ud83d\\ude0\"}"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\ud83d"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\ud83d\\"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\ud83d\\ude00"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\ud8"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\U0000\"}"), -EBADMSG);
}

static void test_escaped_nul(void)
{
    STRING_WITH_NUL("\\u0000", "\xc0\x80");
    STRING_WITH_NUL("a\\u0000b", "a\xc0\x80"
                                 "b");
    STRING_WITH_NUL("\\u0000\\u0000", "\xc0\x80\xc0\x80");
    STRING_WITH_NUL("\\\\\\u0000", "\\\xc0\x80");
    STRING_WITH_NUL("\\ud83d\\u0000", BROKEN "\xc0\x80");
    STRING("\\\\u0000", "\\u0000");
    STRING("\\u0001", "\x01");
    STRING("\\\\u0000\\ud83d", "\\u0000" BROKEN); /* rewritten, but not for a NUL */
    STRING("\xc0\x80", "\xc0\x80");               /* the bytes as served mean no NUL */

    bool nul = false;
    cJSON *json = NULL;
    if (CHECK_INT(parse(LITERAL("{\"k\\u0000\":1}"), &nul, &json), 0)) {
        CHECK_STR(json->child->string, "k\xc0\x80");
        CHECK(nul);
    }
    cJSON_Delete(json);
}

static void test_nul_byte(void)
{
    CHECK_INT(STATUS("{\"s\":\"a\0b\"}"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\0\"a\"}"), -EBADMSG);
    CHECK_INT(STATUS("\0{}"), -EBADMSG);
    CHECK_INT(STATUS("{}\0"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\u0000\0\"}"), -EBADMSG);
    CHECK_INT(STATUS("\0"), -EBADMSG);
}

static void test_no_object(void)
{
    CHECK_INT(STATUS(""), -EBADMSG);
    CHECK_INT(STATUS("  \n"), -EBADMSG);
    CHECK_INT(STATUS("null"), -EBADMSG);
    CHECK_INT(STATUS("7"), -EBADMSG);
    CHECK_INT(STATUS("\"\""), -EBADMSG);
    CHECK_INT(STATUS("\"\\u0000\""), -EBADMSG);
    CHECK_INT(STATUS("[]"), -EBADMSG);
    CHECK_INT(STATUS("[{}]"), -EBADMSG);
    CHECK_INT(STATUS("{"), -EBADMSG);
    CHECK_INT(STATUS("}"), -EBADMSG);
    CHECK_INT(STATUS("{\"a\":}"), -EBADMSG);
    CHECK_INT(STATUS("{\"a\":1,}"), -EBADMSG);
    CHECK_INT(STATUS("{a:1}"), -EBADMSG);
    CHECK_INT(STATUS("{\"a\":\"x}"), -EBADMSG);
}

static void test_after_the_object(void)
{
    CHECK_INT(STATUS("{}"), 0);
    CHECK_INT(STATUS(" \t\r\n{ } \t\r\n"), 0);
    CHECK_INT(STATUS("{\"s\":\"\\u0000\"} \n"), 0);
    CHECK_INT(STATUS("{} x"), -EBADMSG);
    CHECK_INT(STATUS("{}{}"), -EBADMSG);
    CHECK_INT(STATUS("{},"), -EBADMSG);
    CHECK_INT(STATUS("{}}"), -EBADMSG);
    CHECK_INT(STATUS("{}\x01"), -EBADMSG);
    CHECK_INT(STATUS("{\"s\":\"\\u0000\"}x"), -EBADMSG);
    CHECK_INT(STATUS("{}\\u0000"), -EBADMSG);
    CHECK_INT(status("{}x", 2), 0); /* the copy ends at len */
}

/* The status of objects, or of arrays in one object, that are nested so deeply. */
static int nested(size_t levels, const char *open, size_t open_len, char closing)
{
    char text[8 * (CJSON_NESTING_LIMIT + 2)];
    size_t len = (size_t)snprintf(text, sizeof text, "{\"\":");
    for (size_t i = 1; i < levels; i++, len += open_len)
        memcpy(text + len, open, open_len);
    text[len++] = '1';
    memset(text + len, closing, levels - 1);
    len += levels - 1;
    text[len++] = '}';
    return status(text, len);
}

static void test_depth(void)
{
    CHECK_INT(nested(1, LITERAL("{\"\":"), '}'), 0);
    CHECK_INT(nested(CJSON_NESTING_LIMIT, LITERAL("{\"\":"), '}'), 0);
    CHECK_INT(nested(CJSON_NESTING_LIMIT + 1, LITERAL("{\"\":"), '}'), -EBADMSG);
    CHECK_INT(nested(CJSON_NESTING_LIMIT, LITERAL("["), ']'), 0);
    CHECK_INT(nested(CJSON_NESTING_LIMIT + 1, LITERAL("["), ']'), -EBADMSG);
}

static double number(const char *text)
{
    char json[100];
    bool nul;
    cJSON *parsed = NULL;
    double value = NAN;
    int len = snprintf(json, sizeof json, "{\"n\":%s}", text);
    if (CHECK_INT(parse(json, (size_t)len, &nul, &parsed), 0) &&
        CHECK(cJSON_IsNumber(parsed->child)))
        value = parsed->child->valuedouble;
    cJSON_Delete(parsed);
    return value;
}

static void test_huge_numbers(void)
{
    CHECK(number("9007199254740992") == 9007199254740992.0);
    CHECK(number("1e308") == 1e308);
    CHECK(number("1e999") == HUGE_VAL); /* strtod's ERANGE is no error */
    CHECK(number("-1e999") == -HUGE_VAL);
    CHECK(number("1e-999") == 0);
    CHECK(number("100000000000000000000000000000000000000000000000000000000000000") == 1e62);

    /* Some releases of cJSON take a number of any length, others none past 63 characters. */
    char text[1000] = "{\"n\":";
    memset(text + 5, '9', sizeof text - 6);
    text[sizeof text - 1] = '}';
    int err = status(text, sizeof text);
    CHECK(err == 0 || err == -EBADMSG);
}

/* How many more allocations of cJSON succeed. */
static unsigned allocations_left;

static void *failing_malloc(size_t size)
{
    if (allocations_left == 0) {
        errno = ENOMEM;
        return NULL;
    }
    allocations_left--;
    return malloc(size);
}

/* Want of memory is told apart from bad text, whichever allocation fails. */
static void test_no_memory(void)
{
    cJSON_Hooks hooks = {.malloc_fn = failing_malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
    unsigned enough = 0;
    int err = -ENOMEM;
    for (; err == -ENOMEM && enough < 100; enough++) {
        allocations_left = enough;
        err = STATUS("{\"s\":\"\\u0000\",\"list\":[1,{\"t\":\"x\"}]}");
    }
    CHECK_INT(err, 0);
    CHECK(enough > 5);
    allocations_left = 100;
    errno = ENOMEM; /* of something before */
    CHECK_INT(STATUS("{"), -EBADMSG);
    CHECK_INT(STATUS("{\"n\":1e999"), -EBADMSG); /* strtod says ERANGE on the way */
    cJSON_InitHooks(NULL);
}

int main(void)
{
    test_plain();
    test_pairs();
    test_lone_high_surrogates();
    test_lone_low_surrogates();
    test_no_surrogates();
    test_escaped_nul();
    test_nul_byte();
    test_no_object();
    test_after_the_object();
    test_depth();
    test_huge_numbers();
    test_no_memory();
    return check_report();
}
