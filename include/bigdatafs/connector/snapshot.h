/*
 * snapshot: one immutable, reference-counted text of a connector, a JSON object as the service
 * served it.
 *
 * A snapshot keeps the text and the few members that the program itself needs. The tree of small
 * files that it is shown as (tree.h) is made on demand, so that 100,000 connectors that nobody
 * looks into cost their text and little more. One thread uses a snapshot; the count is plain.
 */
#ifndef BIGDATAFS_CONNECTOR_SNAPSHOT_H
#define BIGDATAFS_CONNECTOR_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/uuid.h"

enum {
    SNAPSHOT_TEXT_MAX = 1 << 20, /* bytes of one JSON object */
    SNAPSHOT_LABEL_SIZE = 129,   /* of what snapshot_label writes, with the NUL */
};

/* It is small: there is one for each connector, and little beside its text. */
struct snapshot {
    unsigned refs;
    uint32_t text_len;           /* bytes, without the NUL */
    int64_t updated_s, synced_s; /* of snapshot_updated_at and snapshot_synced_at */
    uint32_t updated_ns, synced_ns;
    uint16_t subdirs; /* members that are shown as directories of the connector's own */
    bool archived;
    uuid_text id;
    char text[]; /* the JSON as served, NUL-terminated */
};

/* updated_at; created_at when it is absent or not a date; zero when created_at is so, too. */
struct timespec snapshot_updated_at(const struct snapshot *s);
/* last_sync_at; snapshot_updated_at when it is absent, null or not a date. */
struct timespec snapshot_synced_at(const struct snapshot *s);

/* Parses len bytes of JSON. On success *out has one reference, the caller's. -EBADMSG: no JSON
 * object; -EINVAL: connector_id is absent or no UUID; -EFBIG: more than SNAPSHOT_TEXT_MAX bytes;
 * -ENOMEM. */
int snapshot_parse(const char *json, size_t len, struct snapshot **out) MUST_CHECK;

/* Writes the connector's label, cut to whole characters where it is longer; "" without one, and
 * for NULL and -ENOMEM. */
int snapshot_label(const struct snapshot *s, char label[static SNAPSHOT_LABEL_SIZE]) MUST_CHECK;

/* Whether the service served the snapshot as exactly this text. NULL has no text. */
bool snapshot_has_text(const struct snapshot *s, const char *json, size_t len);

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is fine */

#endif
