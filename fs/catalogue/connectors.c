#include "bigdatafs/catalogue/connectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slots {
    struct slot **order; /* by serial */
    size_t count, capacity;
    uint32_t
        *index; /* into order, from 1; open addressing with linear probing, at most half full */
    size_t index_size; /* a power of 2 */
    size_t in_place[PLACE_ARCHIVED + 1];
    uint64_t text_bytes;
    uint64_t last_serial;
};

enum { FIRST_INDEX_SIZE = 64 };

int slots_new(struct slots **out)
{
    struct slots *s = calloc(1, sizeof *s);
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

void slots_free(struct slots *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++) {
        connector_unref(s->order[i]->connector);
        free(s->order[i]);
    }
    free(s->order);
    free(s->index);
    free(s);
}

static uint32_t *index_place(const struct slots *s, const char *id)
{
    size_t mask = s->index_size - 1;
    size_t i = name_hash(id, UUID_LEN, 0) & mask;
    while (s->index[i] != 0 && memcmp(s->order[s->index[i] - 1]->id, id, UUID_LEN) != 0)
        i = (i + 1) & mask;
    return &s->index[i];
}

struct slot *slots_find(const struct slots *s, const char *id)
{
    if (strlen(id) != UUID_LEN)
        return NULL;
    uint32_t at = *index_place(s, id);
    return at != 0 ? s->order[at - 1] : NULL;
}

static void index_fill(struct slots *s)
{
    memset(s->index, 0, s->index_size * sizeof *s->index);
    for (uint32_t i = 0; i < s->count; i++)
        *index_place(s, s->order[i]->id) = i + 1;
}

static int make_room(struct slots *s)
{
    if (s->count >= SLOTS_MAX)
        return -ENOSPC;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity == 0 ? 32 : s->capacity * 2;
        struct slot **order = reallocarray(s->order, capacity, sizeof *order);
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

int slots_add(struct slots *s, const char *id, struct slot **out)
{
    int err = make_room(s);
    if (err < 0)
        return err;
    struct slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return -ENOMEM;
    snprintf(slot->id, sizeof slot->id, "%s", id);
    slot->serial = ++s->last_serial;
    s->order[s->count] = slot;
    *index_place(s, id) = (uint32_t)++s->count;
    s->in_place[PLACE_NONE]++;
    *out = slot;
    return 0;
}

void slots_set(struct slots *s, struct slot *slot, struct connector *c)
{
    s->in_place[slot->place]--;
    if (slot->connector != NULL)
        s->text_bytes -= slot->connector->text_len;
    if (c != NULL)
        connector_ref(c);
    connector_unref(slot->connector);
    slot->connector = c;
    slot->place = (uint8_t)(c == NULL ? PLACE_NONE : c->archived ? PLACE_ARCHIVED : PLACE_ACTIVE);
    s->in_place[slot->place]++;
    if (c != NULL)
        s->text_bytes += c->text_len;
}

/* The index of the first slot whose serial is greater. */
static size_t index_after(const struct slots *s, uint64_t serial)
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

struct slot *slots_next(const struct slots *s, enum place place, uint64_t after_serial)
{
    size_t low = index_after(s, after_serial);
    while (low < s->count && s->order[low]->place != place)
        low++;
    return low < s->count ? s->order[low] : NULL;
}

size_t slots_index(const struct slots *s, const struct slot *slot)
{
    return index_after(s, slot->serial) - 1;
}

struct slot *slots_at(const struct slots *s, size_t index)
{
    return s->order[index];
}

size_t slots_count(const struct slots *s)
{
    return s->count;
}

size_t slots_count_in(const struct slots *s, enum place place)
{
    return s->in_place[place];
}

uint64_t slots_text_bytes(const struct slots *s)
{
    return s->text_bytes;
}

void slots_compact(struct slots *s, uint64_t before)
{
    if (s->in_place[PLACE_NONE] == 0)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct slot *slot = s->order[i];
        if (slot->place == PLACE_NONE && slot->pins == 0 && slot->changed <= before) {
            s->in_place[PLACE_NONE]--;
            free(slot);
        } else {
            s->order[kept++] = slot;
        }
    }
    if (kept == s->count)
        return;
    s->count = kept;
    index_fill(s);
}
