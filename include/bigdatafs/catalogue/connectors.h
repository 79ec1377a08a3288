/*
 * connectors: the table of all connectors known, by id and in the order in which they were first
 * seen.
 *
 * A connector is found by its id in O(1). Its serial is its place in directory listings: it never
 * changes and no other connector ever gets it, so a listing that goes on after a serial neither
 * repeats nor loses a connector that is there throughout. A connector that the service does not
 * have any more stays in the table, as a tombstone, until connectors_compact. The table owns its
 * connectors, and each connector holds a reference to its snapshot. One thread.
 *
 * What may be true of a connector at the same time:
 *
 *   place      snapshot         progress    pins   meaning
 *   NONE       NULL             IDLE        any    a tombstone
 *   NONE       NULL             any other   > 0    gone; who deletes it has yet to see that
 *   ACTIVE     not archived     IDLE        any    no deletion is under way
 *   ARCHIVED   archived         IDLE        any    the same
 *   either     of that place    any other   > 0    a deletion is under way
 *
 * listed, suspect and seen are what a refresh notes about its list, and go with every line.
 */
#ifndef BIGDATAFS_CATALOGUE_CONNECTORS_H
#define BIGDATAFS_CATALOGUE_CONNECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/snapshot.h"

enum { CONNECTORS_MAX = 1000000 }; /* with the tombstones */

/* Where the tree shows a connector. */
enum place {
    PLACE_NONE, /* nowhere: the service does not have it */
    PLACE_ACTIVE,
    PLACE_ARCHIVED,
};

/* How far a deletion of the connector is. */
enum progress {
    PROGRESS_IDLE,      /* nobody asked for one */
    PROGRESS_UNDER_WAY, /* a DELETE, of either kind, is being asked for */
    PROGRESS_DELETING,  /* the service accepted a hard delete, which has not ended */
    PROGRESS_STALLED,   /* the same, and the service has shown no progress for a long time */
};

/* Small: there may be a million. */
struct connector {
    uuid_text id;
    uint8_t place;    /* enum place; changed by connectors_set alone */
    uint8_t progress; /* enum progress; changed by catalogue_set_progress alone */
    /* The last list that was taken had it. Lists may lack connectors that exist, archived ones
     * above all: these are known because the service was asked for them by their ids. */
    bool listed;
    /* The list that is being taken lacks it although it should have it: it goes from the table
     * unless the refresh learns better. Nobody else's concern. */
    bool suspect;
    unsigned pins;             /* how many hold a pointer to it, which keeps it from being freed */
    uint32_t seen;             /* the refresh's number of the last list that had it, taken or not */
    uint32_t confirmed_s;      /* when the service last told of it, in seconds of loop_now */
    uint64_t serial;           /* from 1 on */
    uint64_t changed;          /* the catalogue's count of changes when one outside lists was its */
    struct snapshot *snapshot; /* as the service last told of it; NULL for PLACE_NONE */
    struct node *dir;          /* its directory as the kernel knows it, kept by inode; or NULL */
};

/* Whether the service has the connector, as far as is known. NULL is fine. */
bool connector_exists(const struct connector *connector);
/* Whether the service accepted a hard delete of the connector that has not ended. */
bool connector_is_being_deleted(const struct connector *connector);

/* Whether something outside lists was learned of the connector after the catalogue's count of
 * changes stood at this: what was asked before that is old news. NULL is fine. */
bool connector_changed_since(const struct connector *connector, uint64_t changes);

struct connectors;

int connectors_new(struct connectors **out) MUST_CHECK;
void connectors_free(struct connectors *s); /* NULL is fine */

/* The connector with this id, which may be a tombstone, or NULL. */
struct connector *connectors_find(const struct connectors *s, const char *id);
/* Adds a tombstone for an id that is not in the table. -ENOMEM, -ENOSPC. */
int connectors_add(struct connectors *s, const char *id, struct connector **out) MUST_CHECK;
/* Gives the connector this snapshot, of which it takes a reference, and the place that goes with
 * it. NULL makes the connector a tombstone. */
void connectors_set(struct connectors *s, struct connector *connector, struct snapshot *snapshot);

/* The first connector with this place whose serial is greater, or NULL. It is searched for from
 * that serial on, which is found in O(log n). */
struct connector *connectors_next(const struct connectors *s, enum place place,
                                  uint64_t after_serial);
/* Connectors by index, 0 to connectors_count - 1, tombstones too, in the order of their serials.
 * connectors_compact changes the index of a connector, nothing else does. */
struct connector *connectors_at(const struct connectors *s, size_t index);
size_t connectors_index(const struct connectors *s, const struct connector *connector);
size_t connectors_count(const struct connectors *s);

size_t connectors_count_in(const struct connectors *s, enum place place);
uint64_t connectors_text_bytes(const struct connectors *s); /* of all snapshots */

/* Frees the tombstones that nobody pins and whose last change was not after the one counted as
 * changes. */
void connectors_compact(struct connectors *s, uint64_t changes);

#endif
