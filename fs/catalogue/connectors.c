#include "bigdatafs/catalogue/connectors.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/base/uuid.h"

struct connectors {
    struct connector **order; /* by serial */
    size_t count, capacity;
    /* A hash table of the ids with linear probing, at most half full. An element is an index into
     * order, plus one; 0 is a free place. */
    uint32_t *index;
    size_t index_size; /* a power of 2 */
    size_t in_place[PLACE_ARCHIVED + 1];
    uint64_t text_bytes;
    uint64_t last_serial;
};

enum { FIRST_INDEX_SIZE = 64 };

bool connector_exists(const struct connector *connector)
{
    return connector != NULL && connector->place != PLACE_NONE;
}

bool connector_is_being_deleted(const struct connector *connector)
{
    return connector->progress == PROGRESS_DELETING || connector->progress == PROGRESS_STALLED;
}

bool connector_changed_since(const struct connector *connector, uint64_t changes)
{
    return connector != NULL && connector->changed > changes;
}

/* The table of connectors.h, and what the counts must agree on. */
static void check_invariants(const struct connectors *s, const struct connector *connector)
{
    const struct snapshot *snapshot = connector->snapshot;
    assert((connector->place == PLACE_NONE) == (snapshot == NULL));
    assert(snapshot == NULL || snapshot->archived == (connector->place == PLACE_ARCHIVED));
    assert(connector->progress == PROGRESS_IDLE || connector->pins > 0);
    assert(connector->serial > 0 && connector->serial <= s->last_serial);
    assert(s->in_place[PLACE_NONE] + s->in_place[PLACE_ACTIVE] + s->in_place[PLACE_ARCHIVED] ==
           s->count);
    assert(s->count <= s->capacity && s->count <= s->index_size / 2);
    (void)s, (void)snapshot;
}

int connectors_new(struct connectors **out)
{
    struct connectors *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->index_size = FIRST_INDEX_SIZE;
    s->index = calloc(s->index_size, sizeof *s->index);
    if (s->index == NULL) {
        free(s);
        return -ENOMEM;
    }
    *out = s;
    return 0;
}

void connectors_free(struct connectors *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++) {
        snapshot_unref(s->order[i]->snapshot);
        free(s->order[i]);
    }
    free(s->order);
    free(s->index);
    free(s);
}

static uint32_t *index_place(const struct connectors *s, const char *id)
{
    size_t mask = s->index_size - 1;
    size_t i = hash_bytes(id, UUID_LEN, 0) & mask;
    while (s->index[i] != 0 && memcmp(s->order[s->index[i] - 1]->id, id, UUID_LEN) != 0)
        i = (i + 1) & mask;
    return &s->index[i];
}

struct connector *connectors_find(const struct connectors *s, const char *id)
{
    if (strlen(id) != UUID_LEN)
        return NULL;
    uint32_t at = *index_place(s, id);
    return at != 0 ? s->order[at - 1] : NULL;
}

static void index_fill(struct connectors *s)
{
    memset(s->index, 0, s->index_size * sizeof *s->index);
    for (uint32_t i = 0; i < s->count; i++)
        *index_place(s, s->order[i]->id) = i + 1;
}

static int make_room(struct connectors *s)
{
    if (s->count >= CONNECTORS_MAX)
        return -ENOSPC;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity == 0 ? 32 : s->capacity * 2;
        struct connector **order = reallocarray(s->order, capacity, sizeof *order);
        if (order == NULL)
            return -ENOMEM;
        s->order = order;
        s->capacity = capacity;
    }
    if ((s->count + 1) * 2 > s->index_size) {
        uint32_t *index = calloc(s->index_size * 2, sizeof *index);
        if (index == NULL)
            return -ENOMEM;
        free(s->index);
        s->index = index;
        s->index_size *= 2;
        index_fill(s);
    }
    return 0;
}

int connectors_add(struct connectors *s, const char *id, struct connector **out)
{
    int err = make_room(s);
    if (err < 0)
        return err;
    struct connector *connector = calloc(1, sizeof *connector);
    if (connector == NULL)
        return -ENOMEM;
    snprintf(connector->id, sizeof connector->id, "%s", id);
    connector->serial = ++s->last_serial;
    s->order[s->count] = connector;
    *index_place(s, id) = (uint32_t)++s->count;
    s->in_place[PLACE_NONE]++;
    check_invariants(s, connector);
    *out = connector;
    return 0;
}

static enum place place_of(const struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return PLACE_NONE;
    return snapshot->archived ? PLACE_ARCHIVED : PLACE_ACTIVE;
}

void connectors_set(struct connectors *s, struct connector *connector, struct snapshot *snapshot)
{
    s->in_place[connector->place]--;
    if (connector->snapshot != NULL)
        s->text_bytes -= connector->snapshot->text_len;
    if (snapshot != NULL) {
        snapshot_ref(snapshot);
        s->text_bytes += snapshot->text_len;
    }
    snapshot_unref(connector->snapshot);
    connector->snapshot = snapshot;
    connector->place = (uint8_t)place_of(snapshot);
    s->in_place[connector->place]++;
    check_invariants(s, connector);
}

/* The index of the first connector whose serial is greater. */
static size_t index_after(const struct connectors *s, uint64_t serial)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->order[mid]->serial <= serial)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct connector *connectors_next(const struct connectors *s, enum place place,
                                  uint64_t after_serial)
{
    size_t low = index_after(s, after_serial);
    while (low < s->count && s->order[low]->place != place)
        low++;
    return low < s->count ? s->order[low] : NULL;
}

size_t connectors_index(const struct connectors *s, const struct connector *connector)
{
    return index_after(s, connector->serial) - 1;
}

struct connector *connectors_at(const struct connectors *s, size_t index)
{
    return s->order[index];
}

size_t connectors_count(const struct connectors *s)
{
    return s->count;
}

size_t connectors_count_in(const struct connectors *s, enum place place)
{
    return s->in_place[place];
}

uint64_t connectors_text_bytes(const struct connectors *s)
{
    return s->text_bytes;
}

void connectors_compact(struct connectors *s, uint64_t changes)
{
    if (s->in_place[PLACE_NONE] == 0)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct connector *connector = s->order[i];
        if (connector->place == PLACE_NONE && connector->pins == 0 &&
            connector->changed <= changes) {
            assert(connector->progress == PROGRESS_IDLE && connector->dir == NULL);
            s->in_place[PLACE_NONE]--;
            free(connector);
        } else {
            s->order[kept++] = connector;
        }
    }
    if (kept == s->count)
        return;
    s->count = kept;
    index_fill(s);
}
