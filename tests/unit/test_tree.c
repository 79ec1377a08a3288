#include "bigdatafs/connector/tree.h"

#include <errno.h>
#include <stdlib.h>

#include "bigdatafs/base/buf.h"
#include "check.h"

#define ID "019a9612-bfad-758c-884e-37dd8c6ad2cb"
#define HEAD "{\"connector_id\":\"" ID "\","

/* Three names whose cookies are one: they were searched for. */
static const char *const colliding[] = {"name0456dC>1>?:f", "name1316E-~RB57M", "name1eb2IFf+@{hb"};

static int make(const char *json, size_t len, struct tree **out)
{
    struct snapshot *s;
    int err = snapshot_parse(json, len, &s);
    if (err < 0)
        return err;
    err = tree_new(s, out);
    snapshot_unref(s); /* the tree borrows nothing from it */
    return err;
}

/* The tree of {"connector_id": ..., MEMBERS}; ends the program when there is none. */
static struct tree *tree_of(const char *members)
{
    struct tree *t = NULL;
    struct buf json;
    buf_init(&json, SNAPSHOT_TEXT_MAX);
    int err = buf_printf(&json, HEAD "%s}", members);
    if (err == 0)
        err = make(json.data, json.len, &t);
    buf_free(&json);
    if (!CHECK_INT(err, 0))
        exit(check_report());
    return t;
}

static const struct entry *find(const struct tree *t, uint32_t dir, const char *name)
{
    int i = tree_find(t, dir, name, strlen(name));
    return i < 0 ? NULL : &t->entries[i];
}

static void check_file(const struct tree *t, uint32_t dir, const char *name, const char *data,
                       size_t size, int line)
{
    const struct entry *e = find(t, dir, name);
    bool ok = CHECK(e != NULL) && CHECK_INT(e->kind, ENTRY_FILE) && CHECK_INT(e->parent, dir) &&
              CHECK_BYTES(e->data, e->size, data, size) && CHECK_STR(e->name, name) &&
              CHECK_INT(e->name_len, strlen(name));
    if (!ok)
        fprintf(stderr, "    for %s, called from line %d\n", name, line);
}
#define FILE_IN(t, dir, name, data) check_file(t, dir, name, data, sizeof(data) - 1, __LINE__)
#define TOP_FILE(t, name, data) FILE_IN(t, 0, name, data)

static uint32_t dir_in(const struct tree *t, uint32_t dir, const char *name)
{
    const struct entry *e = find(t, dir, name);
    if (!CHECK(e != NULL && e->kind == ENTRY_DIR && e->data == NULL))
        return 0;
    return (uint32_t)(e - t->entries);
}

static void test_scalars(void)
{
    struct tree *t =
        tree_of("\"label\":\"a b\",\"empty\":\"\",\"lines\":\"x\\ny\\n\",\"none\":null,"
                "\"yes\":true,\"no\":false,\"files_count\":10,"
                "\"utf8\":\"\\u20ac\\ud83d\\ude00/caf\xc3\xa9\"");
    TOP_FILE(t, "connector_id", ID "\n");
    TOP_FILE(t, "label", "a b\n");
    TOP_FILE(t, "empty", "\n");
    TOP_FILE(t, "lines", "x\ny\n\n");
    TOP_FILE(t, "none", "");
    TOP_FILE(t, "yes", "true\n");
    TOP_FILE(t, "no", "false\n");
    TOP_FILE(t, "files_count", "10\n");
    TOP_FILE(t, "utf8", "\xe2\x82\xac\xf0\x9f\x98\x80/caf\xc3\xa9\n");
    CHECK_INT(t->count, 1 + 1 + 9);
    CHECK_INT(t->entries[0].kind, ENTRY_DIR);
    CHECK_INT(t->entries[0].count, 10);
    CHECK(find(t, 0, "absent") == NULL);
    free(t);
}

static void test_numbers(void)
{
    static const struct {
        const char *served;
        const char *shown;
    } numbers[] = {
        {"0", "0\n"},
        {"-0", "-0\n"},
        {"3200", "3200\n"},
        {"-7", "-7\n"},
        {"1000000000000000", "1000000000000000\n"},
        {"1e15", "1000000000000000\n"},
        {"9007199254740991", "9007199254740991\n"},
        {"9007199254740992", "9007199254740992\n"},
        {"-9007199254740991", "-9007199254740991\n"},
        {"4503599627370497", "4503599627370497\n"},
        {"-0.5", "-0.5\n"},
        {"0.1", "0.1\n"},
        {"0.30000000000000004", "0.30000000000000004\n"},
        {"1.0", "1\n"},
        {"1e300", "1e+300\n"},
        {"1e-7", "1e-07\n"},
        {"5e-324", "4.94065645841247e-324\n"},
        {"1e999", "1e999\n"},
        {"-1e999", "-1e999\n"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char members[100];
        char json[100];
        snprintf(members, sizeof members, "\"n\":%s", numbers[i].served);
        struct tree *t = tree_of(members);
        const struct entry *e = find(t, 0, "n");
        if (CHECK(e != NULL))
            CHECK_BYTES(e->data, e->size, numbers[i].shown, strlen(numbers[i].shown));
        /* connector.json holds the same text. */
        snprintf(json, sizeof json, "\t\"n\":\t%.*s\n}\n", (int)strcspn(numbers[i].shown, "\n"),
                 numbers[i].shown);
        e = find(t, 0, "connector.json");
        if (CHECK(e != NULL && e->size > strlen(json)))
            CHECK_BYTES(e->data + e->size - strlen(json), strlen(json), json, strlen(json));
        free(t);
    }
}

static void test_connector_json(void)
{
    struct tree *t = tree_of("\"z\":[1,\"x\"],\"a\":{\"b\":null,\"c\":{}},\"label\":\"q\\\"\\n\"");
    TOP_FILE(t, "connector.json",
             "{\n\t\"connector_id\":\t\"" ID
             "\",\n\t\"z\":\t[1, \"x\"],\n\t\"a\":\t{\n\t\t\"b\":\tnull,\n"
             "\t\t\"c\":\t{\n\t\t}\n\t},\n\t\"label\":\t\"q\\\"\\n\"\n}\n");
    free(t);
}

static void test_arrays(void)
{
    struct tree *t = tree_of("\"list\":[\"a\",\"b c\",1.5,true,false,null,\"\",\"d\"],\"empty\":[],"
                             "\"one\":[null],\"objects\":[{\"a\":1},2],\"arrays\":[1,[]]");
    TOP_FILE(t, "list", "a\nb c\n1.5\ntrue\nfalse\n\n\nd\n");
    TOP_FILE(t, "empty", "");
    TOP_FILE(t, "one", "\n");
    TOP_FILE(t, "objects.json", "[{\n\t\t\"a\":\t1\n\t}, 2]\n");
    TOP_FILE(t, "arrays.json", "[1, []]\n");
    CHECK(find(t, 0, "objects") == NULL);
    free(t);
}

static void test_objects(void)
{
    struct tree *t = tree_of("\"config\":{\"email\":\"x@y\",\"allowed_emails\":[\"a\",\"b\"],"
                             "\"deep\":{\"n\":1}},\"none\":{}");
    uint32_t config = dir_in(t, 0, "config");
    FILE_IN(t, config, "email", "x@y\n");
    FILE_IN(t, config, "allowed_emails", "a\nb\n");
    FILE_IN(t, dir_in(t, config, "deep"), "n", "1\n");
    CHECK_INT(t->entries[dir_in(t, 0, "none")].count, 0);
    CHECK_INT(tree_find(t, dir_in(t, 0, "none"), "x", 1), -ENOENT);
    CHECK(find(t, 0, "email") == NULL);
    CHECK(find(t, config, "connector.json") == NULL);
    free(t);
}

static void test_depth(void)
{
    struct tree *t = tree_of("\"d1\":{\"d2\":{\"d3\":{\"d4\":{\"d5\":{\"d6\":{\"d7\":{\"d8\":"
                             "{\"d9\":{\"x\":1},\"y\":2}}}}}}}}");
    uint32_t dir = 0;
    for (int i = 1; i <= TREE_DEPTH_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "d%d", i);
        dir = dir_in(t, dir, name);
    }
    FILE_IN(t, dir, "y", "2\n");
    FILE_IN(t, dir, "d9.json", "{\n\t\"x\":\t1\n}\n");
    CHECK(find(t, dir, "d9") == NULL);
    free(t);
}

static void test_synced(void)
{
    struct tree *t = tree_of("\"last_sync_at\":null,\"last_sync_count\":3,\"last_synced\":1,"
                             "\"config\":{\"last_sync_at\":1}");
    CHECK(find(t, 0, "last_sync_at")->synced);
    CHECK(find(t, 0, "last_sync_count")->synced);
    CHECK(!find(t, 0, "last_synced")->synced);
    CHECK(!find(t, 0, "connector.json")->synced);
    CHECK(!find(t, dir_in(t, 0, "config"), "last_sync_at")->synced);
    free(t);
}

static void test_hostile_names(void)
{
    struct tree *t =
        tree_of("\"..\":1,\".\":2,\"a/b\":3,\"\":4,\".force_delete\":5,\"x\\ny\":6,"
                "\"connector.json\":7,\"%2F\":8,\"\":{\"..\":9},\"o\":[{}],\"o.json\":10");
    TOP_FILE(t, "%2E.", "1\n");
    TOP_FILE(t, "%2E", "2\n");
    TOP_FILE(t, "a%2Fb", "3\n");
    TOP_FILE(t, "%~e", "4\n");
    TOP_FILE(t, "%2Eforce_delete", "5\n");
    TOP_FILE(t, "x%0Ay", "6\n");
    TOP_FILE(t, "connector.json%~2", "7\n");
    TOP_FILE(t, "%252F", "8\n");
    FILE_IN(t, dir_in(t, 0, "%~e%~2"), "%2E.", "9\n");
    TOP_FILE(t, "o.json", "[{\n\t}]\n");
    TOP_FILE(t, "o.json%~2", "10\n");
    CHECK(find(t, 0, "connector.json")->size > 100);
    free(t);
}

static void test_duplicates(void)
{
    struct tree *t = tree_of("\"a\":1,\"b\":10,\"a\":2,\"a\":3,\"b\":20,\"config\":{\"a\":4},"
                             "\"config\":{\"a\":5}");
    TOP_FILE(t, "a", "1\n");
    TOP_FILE(t, "a%~2", "2\n");
    TOP_FILE(t, "a%~3", "3\n");
    TOP_FILE(t, "b", "10\n");
    TOP_FILE(t, "b%~2", "20\n");
    FILE_IN(t, dir_in(t, 0, "config"), "a", "4\n");
    FILE_IN(t, dir_in(t, 0, "config%~2"), "a", "5\n");
    free(t);
}

static void test_nul(void)
{
    struct tree *t = tree_of("\"s\":\"a\\u0000b\",\"k\\u0000\":[\"\\u0000\",\"\\\\u0000\"],"
                             "\"both\":\"\\\\\\u0000\",\"raw\":[[\"\\u0000x\"]]");
    TOP_FILE(t, "s", "a\0b\n");
    TOP_FILE(t, "k%00", "\0\n\\u0000\n");
    TOP_FILE(t, "both", "\\\0\n");
    TOP_FILE(t, "raw.json", "[[\"\\u0000x\"]]\n");
    TOP_FILE(t, "connector.json",
             "{\n\t\"connector_id\":\t\"" ID "\",\n\t\"s\":\t\"a\\u0000b\",\n"
             "\t\"k\\u0000\":\t[\"\\u0000\", \"\\\\u0000\"],\n\t\"both\":\t\"\\\\\\u0000\",\n"
             "\t\"raw\":\t[[\"\\u0000x\"]]\n}\n");
    free(t);

    /* Without an escaped NUL these bytes are what they are, not UTF-8. */
    t = tree_of("\"s\":\"a\xc0\x80z\",\"\xc0\x80\":1,\"t\":\"\\\\u0000\"");
    TOP_FILE(t, "s", "a\xc0\x80z\n");
    TOP_FILE(t, "%C0%80", "1\n");
    TOP_FILE(t, "t", "\\u0000\n");
    free(t);
}

static void test_surrogates(void)
{
    struct tree *t =
        tree_of("\"pair\":\"\\uD83D\\uDE00\",\"high\":\"x\\ud83dy\",\"low\":\"\\ude00\","
                "\"swapped\":\"\\ude00\\ud83d\",\"three\":\"\\ud83d\\ud83d\\ude00\","
                "\"text\":\"\\\\ud83d\"");
    TOP_FILE(t, "pair", "\xf0\x9f\x98\x80\n");
    TOP_FILE(t, "high", "x\xef\xbf\xbdy\n");
    TOP_FILE(t, "low", "\xef\xbf\xbd\n");
    TOP_FILE(t, "swapped", "\xef\xbf\xbd\xef\xbf\xbd\n");
    TOP_FILE(t, "three", "\xef\xbf\xbd\xf0\x9f\x98\x80\n");
    TOP_FILE(t, "text", "\\ud83d\n");
    free(t);
}

static void check_order(const struct tree *t)
{
    uint32_t next = 1;
    for (uint32_t dir = 0; dir < t->count; dir++) {
        const struct entry *d = &t->entries[dir];
        if (d->kind != ENTRY_DIR)
            continue;
        CHECK_INT(d->first, next);
        for (uint32_t i = d->first; i < d->first + d->count; i++) {
            const struct entry *e = &t->entries[i];
            CHECK_INT(e->parent, dir);
            CHECK(e->cookie > 2 && e->cookie < (uint64_t)1 << 63);
            CHECK(i == d->first || e[-1].cookie < e->cookie);
            CHECK_INT(tree_find(t, dir, e->name, e->name_len), i);
        }
        next += d->count;
    }
    CHECK_INT(next, t->count);
}

static void test_order(void)
{
    struct buf members;
    buf_init(&members, 1 << 20);
    int err = 0;
    for (int i = 0; i < 2000 && err == 0; i++)
        err = buf_printf(&members, "\"member%d\":%d,", i, i);
    CHECK_INT(err, 0);
    CHECK_INT(buf_puts(&members, "\"d\":{\"x\":{\"y\":1},\"z\":{\"y\":2}},\"e\":{\"x\":3}"), 0);
    struct tree *t = tree_of(members.data);
    check_order(t);
    CHECK_INT(t->count, 1 + 1 + 1 + 2000 + 2 + 2 + 1 + 2);
    CHECK(find(t, 0, "member1234")->cookie == tree_cookie("member1234", 10));
    free(t);
    buf_free(&members);
}

static void test_cookie_collisions(void)
{
    struct buf members;
    uint64_t cookie = tree_cookie(colliding[0], strlen(colliding[0]));
    CHECK(tree_cookie(colliding[1], strlen(colliding[1])) == cookie);
    CHECK(tree_cookie(colliding[2], strlen(colliding[2])) == cookie);
    buf_init(&members, 1000);
    CHECK_INT(buf_printf(&members, "\"%s\":2,\"%s\":0,\"label\":9", colliding[2], colliding[0]), 0);
    struct tree *t = tree_of(members.data);
    check_order(t);
    TOP_FILE(t, colliding[2], "2\n");
    TOP_FILE(t, colliding[0], "0\n");
    CHECK_INT(tree_find(t, 0, colliding[1], strlen(colliding[1])), -ENOENT);
    CHECK(find(t, 0, colliding[0])->cookie == cookie);
    CHECK(find(t, 0, colliding[2])->cookie == cookie + 1);
    free(t);
    buf_free(&members);
}

static void test_maxima(void)
{
    struct tree *t = NULL;
    struct buf json;
    int err = 0;
    /* 65,534 members, connector.json and the directory are one less than the maximum and fit. */
    buf_init(&json, SNAPSHOT_TEXT_MAX);
    CHECK_INT(buf_puts(&json, HEAD "\"\":1"), 0);
    for (int i = 3; i < TREE_ENTRIES_MAX - 1 && err == 0; i++)
        err = buf_puts(&json, ",\"\":1");
    CHECK_INT(err, 0);
    size_t len = json.len;
    CHECK_INT(buf_puts(&json, "}"), 0);
    if (CHECK_INT(make(json.data, json.len, &t), 0)) {
        CHECK_INT(t->count, TREE_ENTRIES_MAX);
        CHECK(find(t, 0, "%~e%~65533") != NULL);
    }
    free(t);
    t = NULL;
    json.len = len;
    CHECK_INT(buf_puts(&json, ",\"\":1}"), 0);
    CHECK_INT(make(json.data, json.len, &t), -EFBIG);

    /* Deep nesting: 200 KB of text, and 18 MB of indentation. */
    buf_reset(&json);
    err = buf_puts(&json, HEAD "\"a\":");
    for (int i = 0; i < 900 && err == 0; i++)
        err = buf_puts(&json, "{\"\":");
    for (int i = 0; i < 20000 && err == 0; i++)
        err = buf_puts(&json, i > 0 ? ",\"\":1" : "{\"\":1");
    for (int i = 0; i < 902 && err == 0; i++)
        err = buf_puts(&json, "}");
    CHECK_INT(err, 0);
    CHECK_INT(make(json.data, json.len, &t), -EFBIG);
    CHECK(t == NULL);
    buf_free(&json);
}

static void test_same_in_every_snapshot(void)
{
    struct tree *a = tree_of("\"label\":\"x\",\"type\":\"email\"");
    struct tree *b = tree_of("\"type\":\"sharepoint\",\"new\":1,\"label\":\"y\"");
    CHECK(find(a, 0, "label")->cookie == find(b, 0, "label")->cookie);
    CHECK(find(a, 0, "type")->cookie == find(b, 0, "type")->cookie);
    CHECK(find(a, 0, "connector.json")->cookie == find(b, 0, "connector.json")->cookie);
    free(a);
    free(b);
}

int main(void)
{
    test_scalars();
    test_numbers();
    test_connector_json();
    test_arrays();
    test_objects();
    test_depth();
    test_synced();
    test_hostile_names();
    test_duplicates();
    test_nul();
    test_surrogates();
    test_order();
    test_cookie_collisions();
    test_maxima();
    test_same_in_every_snapshot();
    return check_report();
}
