#include "bigdatafs/catalogue/connectors.h"

#include <stdlib.h>

#include "bigdatafs/base/uuid.h"
#include "check.h"

enum { MANY = 1000 };

static struct snapshot *make(unsigned n, bool archived)
{
    char json[128];
    struct snapshot *snapshot = NULL;
    snprintf(json, sizeof json,
             "{\"connector_id\":\"019a9612-bfad-758c-884e-%012u\",\"archived\":%s}", n,
             archived ? "true" : "false");
    CHECK_INT(snapshot_parse(json, strlen(json), &snapshot), 0);
    return snapshot;
}

static struct connector *put(struct connectors *s, unsigned n, bool archived)
{
    struct snapshot *snapshot = make(n, archived);
    struct connector *connector = connectors_find(s, snapshot->id);
    if (connector == NULL)
        CHECK_INT(connectors_add(s, snapshot->id, &connector), 0);
    connectors_set(s, connector, snapshot);
    snapshot_unref(snapshot);
    return connector;
}

static uint64_t find_text_len(const struct connectors *s, unsigned n)
{
    struct snapshot *same = make(n, false);
    uint64_t len = connectors_find(s, same->id)->snapshot->text_len;
    snapshot_unref(same);
    return len;
}

static void test_find_among_many(struct connectors *s)
{
    for (unsigned n = 0; n < MANY; n++)
        put(s, n, n % 10 == 0);
    CHECK_INT(connectors_count_in(s, PLACE_ACTIVE), MANY - MANY / 10);
    CHECK_INT(connectors_count_in(s, PLACE_ARCHIVED), MANY / 10);
    for (unsigned n = 0; n < MANY; n++) {
        char id[UUID_LEN + 1];
        snprintf(id, sizeof id, "019a9612-bfad-758c-884e-%012u", n);
        const struct connector *connector = connectors_find(s, id);
        CHECK(connector != NULL && strcmp(connector->id, id) == 0);
        CHECK(connector != NULL && connectors_at(s, connectors_index(s, connector)) == connector);
    }
    CHECK(connectors_find(s, "019a9612-bfad-758c-884e-999999999999") == NULL);
    CHECK(connectors_find(s, "short") == NULL);
}

/* A listing that goes on after a serial meets each connector once, whatever went and came
 * meanwhile. */
static void test_listing_goes_on(struct connectors *s)
{
    unsigned met = 0;
    uint64_t last = 0;
    const struct connector *connector;
    while ((connector = connectors_next(s, PLACE_ACTIVE, last)) != NULL) {
        CHECK(connector->serial > last);
        last = connector->serial;
        if (++met == 100) {
            connectors_set(s, connectors_at(s, connectors_index(s, connector)), NULL);
            connectors_compact(s, UINT64_MAX);
        }
    }
    CHECK_INT(met, MANY - MANY / 10);
    CHECK_INT(connectors_count_in(s, PLACE_ACTIVE), MANY - MANY / 10 - 1);
}

static void test_tombstones(struct connectors *s)
{
    struct connector *connector = put(s, MANY, false);
    char id[UUID_LEN + 1];
    memcpy(id, connector->id, sizeof id);
    connector->pins = 1;
    connectors_set(s, connector, NULL);
    connectors_compact(s, UINT64_MAX);
    CHECK(connectors_find(s, id) == connector);
    connector->pins = 0;
    connector->changed = 7;
    connectors_compact(s, 6);
    CHECK(connectors_find(s, id) == connector);
    connectors_compact(s, 7);
    CHECK(connectors_find(s, id) == NULL);
}

/* The sums over all connectors follow each change. */
static void test_sums(void)
{
    struct connectors *s = NULL;
    if (!CHECK_INT(connectors_new(&s), 0))
        return;
    struct connector *connector = put(s, 1, false);
    uint64_t one = connectors_text_bytes(s);
    CHECK_INT(one, connector->snapshot->text_len);
    put(s, 2, true);
    CHECK_INT(connectors_text_bytes(s), one + find_text_len(s, 2));
    put(s, 1, true);
    CHECK_INT(connectors_count_in(s, PLACE_ACTIVE), 0);
    CHECK_INT(connectors_count_in(s, PLACE_ARCHIVED), 2);
    connectors_set(s, connector, NULL);
    CHECK(!connector_exists(connector) && !connector_exists(NULL));
    CHECK_INT(connectors_count_in(s, PLACE_NONE), 1);
    CHECK_INT(connectors_text_bytes(s), find_text_len(s, 2));
    uint64_t last = put(s, 2, true)->serial;
    connectors_compact(s, UINT64_MAX);
    CHECK_INT(connectors_count(s), 1);
    CHECK(put(s, 1, false)->serial > last); /* a new connector, behind all others */
    connectors_free(s);
}

int main(void)
{
    struct connectors *s = NULL;
    if (!CHECK_INT(connectors_new(&s), 0))
        return check_report();
    test_find_among_many(s);
    test_listing_goes_on(s);
    test_tombstones(s);
    connectors_free(s);
    test_sums();
    return check_report();
}
