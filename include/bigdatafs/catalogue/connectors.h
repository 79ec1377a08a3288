/*
 * connectors: the table of all connectors known, by id and in the order in which they were first
 * seen.
 *
 * A connector is one connector id; it is found by its id in O(1), and its serial, which never
 * changes and is never used again, is its place in a directory listing: a listing that goes on
 * after a serial neither repeats nor loses a connector that is there throughout. A connector whose
 * connector is gone stays as a tombstone (place PLACE_NONE) until connectors_compact. The table
 * owns its connectors, a connector a reference to its connector. One thread.
 */
#ifndef BIGDATAFS_CATALOGUE_CONNECTORS_H
#define BIGDATAFS_CATALOGUE_CONNECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/snapshot.h"

enum { CONNECTORS_MAX = 1000000 }; /* connectors and tombstones */

enum place { PLACE_NONE, PLACE_ACTIVE, PLACE_ARCHIVED };

enum progress { PROGRESS_IDLE, PROGRESS_UNDER_WAY, PROGRESS_DELETING, PROGRESS_STALLED };

struct connector {
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
    struct snapshot *snapshot; /* NULL for PLACE_NONE */
    struct node *dir;          /* node.c's: its directory as the kernel knows it, or NULL */
};

/* Whether the service has the connector, as far as is known. NULL is fine. */
bool connector_exists(const struct connector *connector);
/* Whether a hard delete of it was accepted and has not ended. */
bool connector_is_being_deleted(const struct connector *connector);

struct connectors;

int connectors_new(struct connectors **out) MUST_CHECK;
void connectors_free(struct connectors *s); /* NULL is fine */

/* The connector with this id, tombstones too, or NULL. */
struct connector *connectors_find(const struct connectors *s, const char *id);
/* Adds a tombstone for an id that is not in the table. -ENOMEM, -ENOSPC. */
int connectors_add(struct connectors *s, const char *id, struct connector **out) MUST_CHECK;
/* Gives the connector a connector (a reference is taken) and so its place, or none (NULL). */
void connectors_set(struct connectors *s, struct connector *connector, struct snapshot *c);

/* The first connector with this place whose serial is greater, or NULL. O(log n) for the first. */
struct connector *connectors_next(const struct connectors *s, enum place place,
                                  uint64_t after_serial);
/* By index 0 to connectors_count - 1, tombstones too; the index moves with connectors_compact. */
struct connector *connectors_at(const struct connectors *s, size_t index);
size_t connectors_index(const struct connectors *s, const struct connector *connector);
size_t connectors_count(const struct connectors *s);
size_t connectors_count_in(const struct connectors *s, enum place place);
uint64_t connectors_text_bytes(const struct connectors *s); /* of all connectors */

/* Frees the tombstones that nobody pins, with changed <= before. */
void connectors_compact(struct connectors *s, uint64_t before);

#endif
