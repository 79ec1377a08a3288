#include "bigdatafs/catalogue/connectors.h"

#include <stdlib.h>

#include "bigdatafs/base/uuid.h"
#include "check.h"

enum { MANY = 1000 };

static struct snapshot *make(unsigned n, bool archived)
{
    char json[128];
    struct snapshot *c = NULL;
    snprintf(json, sizeof(json),
             "{\"connector_id\":\"019a9612-bfad-758c-884e-%012u\",\"archived\":%s}", n,
             archived ? "true" : "false");
    CHECK_INT(snapshot_parse(json, strlen(json), &c), 0);
    return c;
}

static struct connector *put(struct connectors *s, unsigned n, bool archived)
{
    struct snapshot *c = make(n, archived);
    struct connector *connector = connectors_find(s, c->id);
    if (connector == NULL)
        CHECK_INT(connectors_add(s, c->id, &connector), 0);
    connectors_set(s, connector, c);
    snapshot_unref(c);
    return connector;
}

static void test_find_among_many(struct connectors *s)
{
    for (unsigned n = 0; n < MANY; n++)
        put(s, n, n % 10 == 0);
    CHECK_INT(connectors_count_in(s, PLACE_ACTIVE), MANY - MANY / 10);
    CHECK_INT(connectors_count_in(s, PLACE_ARCHIVED), MANY / 10);
    for (unsigned n = 0; n < MANY; n++) {
        char id[UUID_LEN + 1];
        snprintf(id, sizeof(id), "019a9612-bfad-758c-884e-%012u", n);
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
    memcpy(id, connector->id, sizeof(id));
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

int main(void)
{
    struct connectors *s = NULL;
    if (!CHECK_INT(connectors_new(&s), 0))
        return check_report();
    test_find_among_many(s);
    test_listing_goes_on(s);
    test_tombstones(s);
    connectors_free(s);
    return check_report();
}
