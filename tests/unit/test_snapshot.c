#include "bigdatafs/connector/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "bigdatafs/connector/tree.h"
#include "check.h"

#define ID "019a9612-bfad-758c-884e-37dd8c6ad2cb"
#define WITH_ID(members) "{\"connector_id\":\"" ID "\"," members "}"

static int parse_status(const char *json, size_t len)
{
    struct snapshot *s = NULL;
    int err = snapshot_parse(json, len, &s);
    CHECK((err == 0) == (s != NULL));
    snapshot_unref(s);
    return err;
}
#define STATUS(json) parse_status(json, sizeof(json) - 1)

static void test_members(void)
{
    static const char text[] =
        WITH_ID("\"archived\":true,\"created_at\":\"2026-02-11T11:01:09.574095Z\","
                "\"updated_at\":\"2026-02-11T11:01:10Z\","
                "\"last_sync_at\":\"2026-04-07T11:36:34.19+02:00\"");
    struct snapshot *s;
    if (!CHECK_INT(snapshot_parse(text, sizeof text - 1, &s), 0))
        return;
    CHECK_STR(s->id, ID);
    CHECK(s->archived);
    CHECK_INT(snapshot_updated_at(s).tv_sec, 1770807670);
    CHECK_INT(snapshot_updated_at(s).tv_nsec, 0);
    CHECK_INT(snapshot_synced_at(s).tv_sec, 1775554594);
    CHECK_INT(snapshot_synced_at(s).tv_nsec, 190000000);
    CHECK_BYTES(s->text, s->text_len, text, sizeof text - 1);
    CHECK_INT(s->text[s->text_len], 0);
    snapshot_unref(s);
}

static void test_refs(void)
{
    static const char text[] = "{\"connector_id\":\"" ID "\"}";
    struct snapshot *s;
    if (!CHECK_INT(snapshot_parse(text, sizeof text - 1, &s), 0))
        return;
    CHECK_INT(s->refs, 1);
    CHECK(snapshot_ref(s) == s);
    CHECK_INT(s->refs, 2);
    snapshot_unref(s);
    CHECK_INT(s->refs, 1);
    CHECK_STR(s->id, ID);
    snapshot_unref(s);
    snapshot_unref(NULL);
}

static void test_has_text(void)
{
    static const char text[] = WITH_ID("\"label\":\"a\"");
    static const char other[] = WITH_ID("\"label\":\"b\"");
    static const char longer[] = WITH_ID("\"label\":\"a\"") " ";
    enum { LEN = sizeof text - 1 };
    struct snapshot *s;
    if (!CHECK_INT(snapshot_parse(text, LEN, &s), 0))
        return;
    CHECK(snapshot_has_text(s, text, LEN));
    CHECK(snapshot_has_text(s, s->text, s->text_len));
    CHECK(snapshot_has_text(s, longer, LEN)); /* len ends the text, not a NUL */
    CHECK(!snapshot_has_text(s, other, LEN)); /* as long, one byte differs */
    CHECK(!snapshot_has_text(s, longer, LEN + 1));
    CHECK(!snapshot_has_text(s, text, LEN + 1)); /* with the NUL that ends the copy */
    CHECK(!snapshot_has_text(s, text, LEN - 1));
    CHECK(!snapshot_has_text(s, text, 0));
    snapshot_unref(s);

    /* The bytes as served count, not what they mean. */
    if (!CHECK_INT(snapshot_parse(longer, LEN + 1, &s), 0))
        return;
    CHECK(snapshot_has_text(s, longer, LEN + 1));
    CHECK(!snapshot_has_text(s, text, LEN));
    snapshot_unref(s);
}

static void test_no_text(void)
{
    CHECK(!snapshot_has_text(NULL, "{}", 2));
    CHECK(!snapshot_has_text(NULL, "", 0));
}

static void test_refused(void)
{
    CHECK_INT(STATUS(""), -EBADMSG);
    CHECK_INT(STATUS("null"), -EBADMSG);
    CHECK_INT(STATUS("[]"), -EBADMSG);
    CHECK_INT(STATUS("\"" ID "\""), -EBADMSG);
    CHECK_INT(STATUS("{"), -EBADMSG);
    CHECK_INT(STATUS("{\"a\":}"), -EBADMSG);
    CHECK_INT(STATUS("{\"connector_id\":\"" ID "\"} x"), -EBADMSG);
    CHECK_INT(STATUS("{\"connector_id\":\"" ID "\"}{}"), -EBADMSG);
    CHECK_INT(STATUS("{\"connector_id\":\"" ID "\"}\0"), -EBADMSG);
    CHECK_INT(STATUS("{\"connector_id\":\0\"" ID "\"}"), -EBADMSG);
    CHECK_INT(STATUS(" {\"connector_id\":\"" ID "\"} \n"), 0);

    CHECK_INT(STATUS("{}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":null}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":5}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":\"\"}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":\"../../x\"}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":\"" ID "\\u0000\"}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":\"" ID "\\u000g\"}"), -EBADMSG);
    CHECK_INT(STATUS("{\"Connector_Id\":\"" ID "\"}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":\"x\",\"connector_id\":\"" ID "\"}"), -EINVAL);
    CHECK_INT(STATUS("{\"connector_id\":\"" ID "\",\"connector_id\":\"x\"}"), 0);
}

static void test_too_large(void)
{
    size_t size = SNAPSHOT_TEXT_MAX + 1;
    char *text = malloc(size);
    if (!CHECK(text != NULL))
        return;
    memset(text, ' ', size);
    memcpy(text, "{\"connector_id\":\"" ID "\"}", 16 + 36 + 3);
    CHECK_INT(parse_status(text, size - 1), 0);
    CHECK_INT(parse_status(text, size), -EFBIG);
    free(text);
}

/* The snapshot counts without a tree the directories that its tree has. */
static void test_subdirs(void)
{
    static const char text[] = WITH_ID("\"config\":{\"deep\":{\"er\":{}}},\"config\":{},"
                                       "\"list\":[{}],\"label\":\"{}\"");
    struct snapshot *s;
    struct tree *t;
    unsigned dirs = 0;
    if (!CHECK_INT(snapshot_parse(text, sizeof text - 1, &s), 0))
        return;
    CHECK_INT(s->subdirs, 2);
    if (CHECK_INT(tree_new(s, &t), 0)) {
        for (uint32_t i = 0; i < t->entries[0].count; i++)
            dirs += t->entries[t->entries[0].first + i].kind == ENTRY_DIR;
        CHECK_INT(dirs, s->subdirs);
        free(t);
    }
    snapshot_unref(s);
}

static bool is_archived(const char *json)
{
    struct snapshot *s = NULL;
    CHECK_INT(snapshot_parse(json, strlen(json), &s), 0);
    bool archived = s != NULL && s->archived;
    snapshot_unref(s);
    return archived;
}

static void test_archived(void)
{
    CHECK(is_archived(WITH_ID("\"archived\":true")));
    CHECK(!is_archived(WITH_ID("\"archived\":false")));
    CHECK(!is_archived(WITH_ID("\"archived\":\"true\"")));
    CHECK(!is_archived(WITH_ID("\"archived\":1")));
    CHECK(!is_archived(WITH_ID("\"archived\":null")));
    CHECK(!is_archived(WITH_ID("\"other\":true")));
    CHECK(!is_archived(WITH_ID("\"archived\":false,\"archived\":true")));
    CHECK(!is_archived(WITH_ID("\"Archived\":true")));
}

/* The time of a connector whose created_at is this JSON, by which what is no date is zero. */
static struct timespec created_at(const char *text)
{
    char json[300];
    snprintf(json, sizeof json, WITH_ID("\"created_at\":%s"), text);
    struct snapshot *s = NULL;
    struct timespec time = {.tv_sec = -1};
    if (CHECK_INT(snapshot_parse(json, strlen(json), &s), 0))
        time = snapshot_updated_at(s);
    snapshot_unref(s);
    return time;
}

/* test_date.c tells which texts are dates. */
static void test_no_dates(void)
{
    static const char *const bad[] = {
        "null",
        "5",
        "true",
        "{}",
        "\"\"",
        "\"yesterday\"",
        "\"1969-12-31T23:59:59Z\"",
        "\"2026-02-11T11:01:09Z\\u0000\"",
    };
    CHECK_INT(created_at("\"2026-02-11T11:01:09Z\"").tv_sec, 1770807669);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct timespec got = created_at(bad[i]);
        if (!CHECK(got.tv_sec == 0 && got.tv_nsec == 0))
            fprintf(stderr, "    for %s\n", bad[i]);
    }
}

static void test_dates_stand_in(void)
{
    static const char created[] = WITH_ID("\"created_at\":\"2026-02-11T11:01:09.5Z\"");
    static const char updated[] = WITH_ID("\"created_at\":\"2026-02-11T11:01:09.5Z\","
                                          "\"updated_at\":\"2026-02-11T11:01:10Z\","
                                          "\"last_sync_at\":null");
    struct snapshot *s;
    if (CHECK_INT(snapshot_parse(created, sizeof created - 1, &s), 0)) {
        CHECK_INT(snapshot_updated_at(s).tv_sec, 1770807669);
        CHECK_INT(snapshot_updated_at(s).tv_nsec, 500000000);
        CHECK_INT(snapshot_synced_at(s).tv_sec, 1770807669);
        snapshot_unref(s);
    }
    if (CHECK_INT(snapshot_parse(updated, sizeof updated - 1, &s), 0)) {
        CHECK_INT(snapshot_synced_at(s).tv_sec, 1770807670);
        CHECK_INT(snapshot_synced_at(s).tv_nsec, 0);
        snapshot_unref(s);
    }
}

int main(void)
{
    test_members();
    test_refs();
    test_has_text();
    test_no_text();
    test_refused();
    test_too_large();
    test_subdirs();
    test_archived();
    test_no_dates();
    test_dates_stand_in();
    return check_report();
}
