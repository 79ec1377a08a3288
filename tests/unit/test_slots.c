#include "bigdatafs/catalogue/connectors.h"

#include <stdlib.h>

#include "check.h"

enum { MANY = 1000 };

static struct connector *make(unsigned n, bool archived)
{
    char json[128];
    struct connector *c = NULL;
    snprintf(json, sizeof(json),
             "{\"connector_id\":\"019a9612-bfad-758c-884e-%012u\",\"archived\":%s}", n,
             archived ? "true" : "false");
    CHECK_INT(connector_parse(json, strlen(json), &c), 0);
    return c;
}

static struct slot *put(struct slots *s, unsigned n, bool archived)
{
    struct connector *c = make(n, archived);
    struct slot *slot = slots_find(s, c->id);
    if (slot == NULL)
        CHECK_INT(slots_add(s, c->id, &slot), 0);
    slots_set(s, slot, c);
    connector_unref(c);
    return slot;
}

static void test_find_among_many(struct slots *s)
{
    for (unsigned n = 0; n < MANY; n++)
        put(s, n, n % 10 == 0);
    CHECK_INT(slots_count_in(s, PLACE_ACTIVE), MANY - MANY / 10);
    CHECK_INT(slots_count_in(s, PLACE_ARCHIVED), MANY / 10);
    for (unsigned n = 0; n < MANY; n++) {
        char id[UUID_LEN + 1];
        snprintf(id, sizeof(id), "019a9612-bfad-758c-884e-%012u", n);
        const struct slot *slot = slots_find(s, id);
        CHECK(slot != NULL && strcmp(slot->id, id) == 0);
        CHECK(slot != NULL && slots_at(s, slots_index(s, slot)) == slot);
    }
    CHECK(slots_find(s, "019a9612-bfad-758c-884e-999999999999") == NULL);
    CHECK(slots_find(s, "short") == NULL);
}

/* A listing that goes on after a serial meets each slot once, whatever went and came meanwhile. */
static void test_listing_goes_on(struct slots *s)
{
    unsigned met = 0;
    uint64_t last = 0;
    const struct slot *slot;
    while ((slot = slots_next(s, PLACE_ACTIVE, last)) != NULL) {
        CHECK(slot->serial > last);
        last = slot->serial;
        if (++met == 100) {
            slots_set(s, slots_at(s, slots_index(s, slot)), NULL);
            slots_compact(s, UINT64_MAX);
        }
    }
    CHECK_INT(met, MANY - MANY / 10);
    CHECK_INT(slots_count_in(s, PLACE_ACTIVE), MANY - MANY / 10 - 1);
}

static void test_tombstones(struct slots *s)
{
    struct slot *slot = put(s, MANY, false);
    char id[UUID_LEN + 1];
    memcpy(id, slot->id, sizeof(id));
    slot->pins = 1;
    slots_set(s, slot, NULL);
    slots_compact(s, UINT64_MAX);
    CHECK(slots_find(s, id) == slot);
    slot->pins = 0;
    slot->changed = 7;
    slots_compact(s, 6);
    CHECK(slots_find(s, id) == slot);
    slots_compact(s, 7);
    CHECK(slots_find(s, id) == NULL);
}

int main(void)
{
    struct slots *s = NULL;
    if (!CHECK_INT(slots_new(&s), 0))
        return check_report();
    test_find_among_many(s);
    test_listing_goes_on(s);
    test_tombstones(s);
    slots_free(s);
    return check_report();
}
