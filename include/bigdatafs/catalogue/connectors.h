/*
 * slots: the table of all connectors known, by id and in the order in which they were first seen.
 *
 * A slot is one connector id; it is found by its id in O(1), and its serial, which never changes
 * and is never used again, is its place in a directory listing: a listing that goes on after a
 * serial neither repeats nor loses a slot that is there throughout. A slot whose connector is gone
 * stays as a tombstone (place PLACE_NONE) until slots_compact. The table owns its slots, a slot a
 * reference to its connector. One thread.
 */
#ifndef BIGDATAFS_CATALOGUE_CONNECTORS_H
#define BIGDATAFS_CATALOGUE_CONNECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/connector/name.h"
#include "bigdatafs/connector/snapshot.h"

enum { SLOTS_MAX = 1000000 }; /* connectors and tombstones */

enum place { PLACE_NONE, PLACE_ACTIVE, PLACE_ARCHIVED };

enum progress { PROGRESS_IDLE, PROGRESS_ARCHIVING, PROGRESS_DELETING, PROGRESS_STALLED };

struct slot {
    char id[UUID_LEN + 1];
    uint8_t place;        /* enum place */
    uint8_t progress;     /* enum progress: deletion.c's */
    bool listed;          /* the last list had it */
    bool suspect;         /* refresh.c's: the list that is being taken does not have it */
    unsigned pins;        /* who keeps a pointer: not compacted while > 0 */
    uint32_t seen;        /* the last list, by number, that had it */
    uint32_t confirmed_s; /* loop_now in seconds when the service last told of it */
    uint64_t serial;
    uint64_t changed; /* catalogue's change count when it was last set by other than a list */
    struct connector *connector; /* NULL for PLACE_NONE */
    struct node *dir;            /* node.c's: its directory as the kernel knows it, or NULL */
};

struct slots;

int slots_new(struct slots **out) MUST_CHECK;
void slots_free(struct slots *s); /* NULL is fine */

/* The slot with this id, tombstones too, or NULL. */
struct slot *slots_find(const struct slots *s, const char *id);
/* Adds a tombstone for an id that is not in the table. -ENOMEM, -ENOSPC. */
int slots_add(struct slots *s, const char *id, struct slot **out) MUST_CHECK;
/* Gives the slot a connector (a reference is taken) and so its place, or none (NULL). */
void slots_set(struct slots *s, struct slot *slot, struct connector *c);

/* The first slot with this place whose serial is greater, or NULL. O(log n) for the first. */
struct slot *slots_next(const struct slots *s, enum place place, uint64_t after_serial);
/* By index 0 to slots_count - 1, tombstones too; the index moves with slots_compact. */
struct slot *slots_at(const struct slots *s, size_t index);
size_t slots_index(const struct slots *s, const struct slot *slot);
size_t slots_count(const struct slots *s);
size_t slots_count_in(const struct slots *s, enum place place);
uint64_t slots_text_bytes(const struct slots *s); /* of all connectors */

/* Frees the tombstones that nobody pins, with changed <= before. */
void slots_compact(struct slots *s, uint64_t before);

#endif
