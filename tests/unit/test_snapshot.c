#include "bigdatafs/connector/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "bigdatafs/connector/tree.h"
#include "check.h"

#define ID "019a9612-bfad-758c-884e-37dd8c6ad2cb"
#define WITH_ID(members) "{\"connector_id\":\"" ID "\"," members "}"

static int parse_status(const char *json, size_t len)
{
    struct snapshot *c = NULL;
    int rc = snapshot_parse(json, len, &c);
    CHECK((rc == 0) == (c != NULL));
    snapshot_unref(c);
    return rc;
}
#define STATUS(json) parse_status(json, sizeof(json) - 1)

static void test_members(void)
{
    static const char TEXT[] =
        WITH_ID("\"archived\":true,\"created_at\":\"2026-02-11T11:01:09.574095Z\","
                "\"updated_at\":\"2026-02-11T11:01:10Z\","
                "\"last_sync_at\":\"2026-04-07T11:36:34.19+02:00\"");
    struct snapshot *c;

    if (!CHECK_INT(snapshot_parse(TEXT, sizeof(TEXT) - 1, &c), 0))
        return;
    CHECK_STR(c->id, ID);
    CHECK(c->archived);
    CHECK_INT(snapshot_updated_at(c).tv_sec, 1770807670);
    CHECK_INT(snapshot_updated_at(c).tv_nsec, 0);
    CHECK_INT(snapshot_synced_at(c).tv_sec, 1775554594);
    CHECK_INT(snapshot_synced_at(c).tv_nsec, 190000000);
    CHECK_BYTES(c->text, c->text_len, TEXT, sizeof(TEXT) - 1);
    CHECK_INT(c->text[c->text_len], 0);
    snapshot_unref(c);
}

static void test_refs(void)
{
    static const char TEXT[] = "{\"connector_id\":\"" ID "\"}";
    struct snapshot *c;

    if (!CHECK_INT(snapshot_parse(TEXT, sizeof(TEXT) - 1, &c), 0))
        return;
    CHECK_INT(c->refs, 1);
    CHECK(snapshot_ref(c) == c);
    CHECK_INT(c->refs, 2);
    snapshot_unref(c);
    CHECK_INT(c->refs, 1);
    CHECK_STR(c->id, ID);
    snapshot_unref(c);
    snapshot_unref(NULL);
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

/* What is counted without a tree is what the tree has. */
static void test_subdirs(void)
{
    static const char TEXT[] = WITH_ID("\"config\":{\"deep\":{\"er\":{}}},\"config\":{},"
                                       "\"list\":[{}],\"label\":\"{}\"");
    struct snapshot *c;
    struct tree *t;
    unsigned dirs = 0;

    if (!CHECK_INT(snapshot_parse(TEXT, sizeof(TEXT) - 1, &c), 0))
        return;
    CHECK_INT(c->subdirs, 2);
    if (CHECK_INT(tree_new(c, &t), 0)) {
        for (uint32_t i = 0; i < t->entries[0].count; i++)
            dirs += t->entries[t->entries[0].first + i].kind == ENTRY_DIR;
        CHECK_INT(dirs, c->subdirs);
        free(t);
    }
    snapshot_unref(c);
}

static bool is_archived(const char *json)
{
    struct snapshot *c = NULL;
    CHECK_INT(snapshot_parse(json, strlen(json), &c), 0);
    bool archived = c && c->archived;
    snapshot_unref(c);
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

/* created_at of a connector that has it as text; 0.0 when it is not a date. */
static struct timespec created_at(const char *text)
{
    char json[300];
    struct snapshot *c = NULL;
    struct timespec time = {.tv_sec = -1};

    snprintf(json, sizeof(json), WITH_ID("\"created_at\":%s"), text);
    if (CHECK_INT(snapshot_parse(json, strlen(json), &c), 0))
        time = snapshot_updated_at(c);
    snapshot_unref(c);
    return time;
}

static void test_dates(void)
{
    static const struct {
        const char *text;
        long long sec;
        long nsec;
    } GOOD[] = {
        {"\"1970-01-01T00:00:01Z\"", 1, 0},
        {"\"2000-02-29T12:00:00Z\"", 951825600, 0},
        {"\"2024-02-29t12:00:00z\"", 1709208000, 0},
        {"\"2026-02-11 11:01:09Z\"", 1770807669, 0},
        {"\"2026-02-11T11:01:09.5Z\"", 1770807669, 500000000},
        {"\"2026-02-11T11:01:09.123456789123Z\"", 1770807669, 123456789},
        {"\"2026-02-11T11:01:09+00:00\"", 1770807669, 0},
        {"\"2026-02-11T05:31:09-05:30\"", 1770807669, 0},
        {"\"2026-02-12T01:01:09+14:00\"", 1770807669, 0},
        {"\"9999-12-31T23:59:59Z\"", 253402300799, 0},
        {"\"2016-12-31T23:59:60Z\"", 1483228800, 0},
    };
    static const char *const BAD[] = {
        "null",
        "5",
        "true",
        "\"\"",
        "\"yesterday\"",
        "\"2026-02-11\"",
        "\"2026-02-11T11:01:09\"",
        "\"2026-02-11T11:01Z\"",
        "\"2026-2-11T11:01:09Z\"",
        "\"2026-02-11T11:01:09.Z\"",
        "\"2026-02-11T11:01:09Zx\"",
        "\"2026-02-11T11:01:09+0000\"",
        "\"2026-02-11T11:01:09+24:00\"",
        "\"2026-02-11T11:01:09+00:60\"",
        "\"2026-00-11T11:01:09Z\"",
        "\"2026-13-11T11:01:09Z\"",
        "\"2026-02-00T11:01:09Z\"",
        "\"2026-02-30T11:01:09Z\"",
        "\"2025-02-29T11:01:09Z\"",
        "\"2026-06-31T11:01:09Z\"",
        "\"2026-02-11T24:00:00Z\"",
        "\"2026-02-11T11:60:09Z\"",
        "\"2026-02-11T11:01:61Z\"",
        "\"1969-12-31T23:59:59Z\"",
        "\"1970-01-01T00:00:00+01:00\"",
        "\"12026-02-11T11:01:09Z\"",
        "\"2026-02-11X11:01:09Z\"",
        "\" 2026-02-11T11:01:09Z\"",
        "\"2026-02-11T11:01:09Z\\u0000\"",
    };
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        struct timespec got = created_at(GOOD[i].text);
        bool ok = CHECK_INT(got.tv_sec, GOOD[i].sec);
        ok = CHECK_INT(got.tv_nsec, GOOD[i].nsec) && ok;
        if (!ok)
            fprintf(stderr, "    for %s\n", GOOD[i].text);
    }
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct timespec got = created_at(BAD[i]);
        if (!CHECK(got.tv_sec == 0 && got.tv_nsec == 0))
            fprintf(stderr, "    for %s\n", BAD[i]);
    }
}

static void test_dates_stand_in(void)
{
    static const char CREATED[] = WITH_ID("\"created_at\":\"2026-02-11T11:01:09.5Z\"");
    static const char UPDATED[] = WITH_ID("\"created_at\":\"2026-02-11T11:01:09.5Z\","
                                          "\"updated_at\":\"2026-02-11T11:01:10Z\","
                                          "\"last_sync_at\":null");
    struct snapshot *c;

    if (CHECK_INT(snapshot_parse(CREATED, sizeof(CREATED) - 1, &c), 0)) {
        CHECK_INT(snapshot_updated_at(c).tv_sec, 1770807669);
        CHECK_INT(snapshot_updated_at(c).tv_nsec, 500000000);
        CHECK_INT(snapshot_synced_at(c).tv_sec, 1770807669);
        snapshot_unref(c);
    }
    if (CHECK_INT(snapshot_parse(UPDATED, sizeof(UPDATED) - 1, &c), 0)) {
        CHECK_INT(snapshot_synced_at(c).tv_sec, 1770807670);
        CHECK_INT(snapshot_synced_at(c).tv_nsec, 0);
        snapshot_unref(c);
    }
}

int main(void)
{
    test_members();
    test_refs();
    test_refused();
    test_too_large();
    test_subdirs();
    test_archived();
    test_dates();
    test_dates_stand_in();
    return check_report();
}
