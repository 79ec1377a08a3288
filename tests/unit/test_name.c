#include "bigdatafs/connector/name.h"

#include <errno.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/base/uuid.h"
#include "check.h"

#define LITERAL(s) s, sizeof(s) - 1

/* Escapes, compares, and takes it back. */
static void check_escape(const char *source, size_t len, const char *want, int line)
{
    char name[NAME_SIZE];
    char back[NAME_SIZE];
    size_t back_len = 0;
    size_t name_len = name_escape(source, len, name);
    bool ok = CHECK_STR(name, want);
    ok = CHECK_INT(name_len, strlen(want)) && ok;
    ok = CHECK_INT(name_unescape(name, back, sizeof back, &back_len), 0) && ok;
    ok = CHECK_BYTES(back, back_len, source, len) && ok;
    if (!ok)
        fprintf(stderr, "    called from line %d\n", line);
}
#define CHECK_ESCAPE(source, want) check_escape(LITERAL(source), want, __LINE__)

static void test_escape(void)
{
    CHECK_ESCAPE("label", "label");
    CHECK_ESCAPE("Broker Research - Daily Reports", "Broker Research - Daily Reports");
    CHECK_ESCAPE("", "%~e");
    CHECK_ESCAPE(".", "%2E");
    CHECK_ESCAPE("..", "%2E.");
    CHECK_ESCAPE(".force_delete", "%2Eforce_delete");
    CHECK_ESCAPE("a.b.", "a.b.");
    CHECK_ESCAPE("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd");
    CHECK_ESCAPE("/", "%2F");
    CHECK_ESCAPE("100%", "100%25");
    CHECK_ESCAPE("%2F", "%252F");
    CHECK_ESCAPE("%~e", "%25~e");
    CHECK_ESCAPE("a\0b", "a%00b");
    CHECK_ESCAPE("\0", "%00");
    CHECK_ESCAPE("a\nb\tc\x1f\x7f", "a%0Ab%09c%1F%7F");
    CHECK_ESCAPE(" ~", " ~");
}

static void test_escape_utf8(void)
{
    CHECK_ESCAPE("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                 "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    CHECK_ESCAPE("\xf4\x8f\xbf\xbf\xef\xbf\xbf\xed\x9f\xbf",
                 "\xf4\x8f\xbf\xbf\xef\xbf\xbf\xed\x9f\xbf");
    CHECK_ESCAPE("\xff\xfe", "%FF%FE");
    CHECK_ESCAPE("\x80x", "%80x");
    CHECK_ESCAPE("\xc3", "%C3");
    CHECK_ESCAPE("\xc3(", "%C3(");
    CHECK_ESCAPE("\xe2\x82", "%E2%82");
    CHECK_ESCAPE("\xf0\x9f\x98z", "%F0%9F%98z");
    CHECK_ESCAPE("\xc0\xaf", "%C0%AF");        /* overlong '/' */
    CHECK_ESCAPE("\xc0\x80", "%C0%80");        /* overlong NUL */
    CHECK_ESCAPE("\xe0\x80\xaf", "%E0%80%AF"); /* overlong '/' */
    CHECK_ESCAPE("\xf0\x80\x80\xaf", "%F0%80%80%AF");
    CHECK_ESCAPE("\xed\xa0\x80", "%ED%A0%80");        /* a surrogate */
    CHECK_ESCAPE("\xf4\x90\x80\x80", "%F4%90%80%80"); /* past U+10FFFF */
    CHECK_ESCAPE("\xf5\x80\x80\x80", "%F5%80%80%80");
}

static bool ends_with_hash(const char *name, size_t len)
{
    if (len < 19 || memcmp(name + len - 19, "%~h", 3) != 0)
        return false;
    return strspn(name + len - 16, "0123456789abcdef") == 16;
}

static void test_escape_long(void)
{
    char source[400];
    char name[NAME_SIZE];
    char other[NAME_SIZE];
    char back[NAME_SIZE];
    size_t len;
    memset(source, 'x', sizeof source);
    CHECK_INT(name_escape(source, 255, name), 255);
    CHECK_BYTES(name, strlen(name), source, 255);

    CHECK_INT(name_escape(source, 256, name), 255);
    CHECK_INT(strlen(name), 255);
    CHECK(ends_with_hash(name, 255));
    CHECK(memcmp(name, source, 236) == 0);
    CHECK_INT(name_unescape(name, back, sizeof back, &len), -EINVAL);

    /* The hash tells apart what was cut off. */
    CHECK_INT(name_escape(source, 257, other), 255);
    CHECK(strcmp(name, other) != 0);

    /* Whole characters: 235 + 2 bytes do not fit 236. */
    memcpy(source + 235, "\xc3\xa9", 2);
    CHECK_INT(name_escape(source, 300, name), 235 + 19);
    CHECK(ends_with_hash(name, 235 + 19));
    /* Whole escapes: '/' at 234 needs 234 to 236. */
    memset(source, 'x', sizeof source);
    source[234] = '/';
    CHECK_INT(name_escape(source, 300, name), 234 + 19);
    source[234] = 'x';
    source[235] = '/';
    CHECK_INT(name_escape(source, 300, name), 235 + 19);
    source[235] = 'x';
    source[233] = '/';
    CHECK_INT(name_escape(source, 300, name), 255);
    CHECK(memcmp(name + 230, "xxx%2F%~h", 9) == 0);

    /* 85 escapes make 255 bytes, 86 are too many. */
    memset(source, '/', sizeof source);
    CHECK_INT(name_escape(source, 85, name), 255);
    CHECK_INT(name_unescape(name, back, sizeof back, &len), 0);
    CHECK_BYTES(back, len, source, 85);
    CHECK_INT(name_escape(source, 86, name), 234 + 19);
}

static void test_unescape_refuses(void)
{
    static const char *const bad[] = {
        "",    "%",        "%2",   "%2f",  "%2G",  "%41",    ".",
        "..",  ".hidden",  "a/b",  "a\nb", "\xff", "%~e2",   "%~E",
        "%~2", "label%~2", "x%~e", "%25%", "x%2E", "%C3%A9", "label%~h0123456789abcdef",
    };
    char out[NAME_SIZE];
    size_t len;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (!CHECK_INT(name_unescape(bad[i], out, sizeof out, &len), -EINVAL))
            fprintf(stderr, "    for \"%s\"\n", bad[i]);

    CHECK_INT(name_unescape("label", out, 5, &len), -EFBIG);
    CHECK_INT(name_unescape("label", out, 6, &len), 0);
    CHECK_BYTES(out, len, "label", 5);
    CHECK_INT(name_unescape("%2F", out, 2, &len), 0);
    CHECK_BYTES(out, len, "/", 1);
    CHECK_INT(name_unescape("x", out, 0, &len), -EFBIG);

    char text[300];
    char roomy[300];
    memset(text, 'x', sizeof text);
    text[256] = '\0';
    CHECK_INT(name_unescape(text, roomy, sizeof roomy, &len), -EINVAL);
}

static void test_number(void)
{
    char name[NAME_SIZE] = "label";
    char other[NAME_SIZE];
    char source[300];
    CHECK_INT(name_number(name, 2), 8);
    CHECK_STR(name, "label%~2");
    strncpy(name, "%~e", sizeof name);
    CHECK_INT(name_number(name, 4294967295u), 15);
    CHECK_STR(name, "%~e%~4294967295");

    /* 252 bytes have room for "%~2". */
    memset(source, 'x', sizeof source);
    name_escape(source, 252, name);
    CHECK_INT(name_number(name, 2), 255);
    CHECK(memcmp(name, source, 252) == 0);
    CHECK_STR(name + 252, "%~2");

    /* One more has not: a hash keeps names apart that differ only in what is cut off. */
    source[252] = 'a';
    name_escape(source, 253, name);
    source[252] = 'b';
    name_escape(source, 253, other);
    CHECK_INT(name_number(name, 2), 255);
    CHECK_INT(name_number(other, 2), 255);
    CHECK(strcmp(name, other) != 0);
    CHECK(ends_with_hash(name, 252));
    CHECK_STR(name + 252, "%~2");

    /* The hash of a long name stays whole. */
    memset(source, 'x', sizeof source);
    name_escape(source, 300, name);
    memcpy(other, name, sizeof other);
    CHECK_INT(name_number(name, 10), 255);
    CHECK_STR(name + 251, "%~10");
    CHECK(memcmp(name + 232, other + 236, 19) == 0);

    /* Cut before a whole character. */
    for (size_t i = 0; i < 254; i += 2)
        memcpy(source + i, "\xc3\xa9", 2);
    name_escape(source, 254, name);
    CHECK_INT(name_number(name, 2), 232 + 19 + 3);
    CHECK_INT((unsigned char)name[231], 0xa9);
    CHECK_INT(name[232], '%');
}

static void test_is_uuid(void)
{
    CHECK(uuid_is_valid("019a9612-bfad-758c-884e-37dd8c6ad2cb"));
    CHECK(uuid_is_valid("019A9612-BFAD-758C-884E-37DD8C6AD2CB"));
    CHECK(uuid_is_valid("00000000-0000-0000-0000-000000000000"));
    CHECK(!uuid_is_valid(""));
    CHECK(!uuid_is_valid("019a9612"));
    CHECK(!uuid_is_valid("019a9612-bfad-758c-884e-37dd8c6ad2c"));
    CHECK(!uuid_is_valid("019a9612-bfad-758c-884e-37dd8c6ad2cbb"));
    CHECK(!uuid_is_valid("019a9612-bfad-758c-884e-37dd8c6ad2cb\n"));
    CHECK(!uuid_is_valid("019a9612-bfad-758c-884e-37dd8c6ad2cg"));
    CHECK(!uuid_is_valid("019a9612bfad-758c-884e-37dd8c6ad2cb-"));
    CHECK(!uuid_is_valid("019a96123bfad-758c-884e-37dd8c6ad2cb"));
    CHECK(!uuid_is_valid("{19a9612-bfad-758c-884e-37dd8c6ad2c}"));
    CHECK(!uuid_is_valid("../../..-....-....-....-............"));
}

/* MurmurHash64A as the C++ library of GCC computes it on x86-64. */
static void test_hash_for_ever(void)
{
    static const struct {
        const char *text;
        uint64_t hash;
        uint64_t seeded;
    } want[] = {
        {"", 0, 0xedfea7acae2be985},
        {"a", 0x071717d2d36b6b11, 0x82d5af1f3271de45},
        {"abcdefg", 0x241aa52b0a62005d, 0xd91cae59c4b1608d},
        {"abcdefgh", 0xafdb0257ff41aa98, 0x3cab90e10fd9154b},
        {"abcdefghi", 0xc9b9d84356146ac2, 0x781c9b9b685365a5},
        {"connector.json", 0xcecb22a3c85dd350, 0xb01a23a45e70e38b},
        {"019a9612-bfad-758c-884e-37dd8c6ad2cb", 0x4ab4930b784cdd64, 0x6d203b2fd607d2b5},
        {"\xff\xfe\x80", 0x57f93ca722e123a4, 0xbdf73b70a238ad4f},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        size_t len = strlen(want[i].text);
        CHECK(hash_bytes(want[i].text, len, 0) == want[i].hash);
        CHECK(hash_bytes(want[i].text, len, 0x123456789abcdef0) == want[i].seeded);
    }
}

int main(void)
{
    test_escape();
    test_escape_utf8();
    test_escape_long();
    test_unescape_refuses();
    test_number();
    test_is_uuid();
    test_hash_for_ever();
    return check_report();
}
