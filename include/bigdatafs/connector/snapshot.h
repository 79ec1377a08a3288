/*
 * connector: one JSON object of the service as an immutable, reference-counted version of a
 * connector, and the tree of small files it is shown as (THE TREE in bigdatafs(1)).
 *
 * A version keeps the text as served and the few members that the program itself needs. Its tree
 * is made on demand, so that 100,000 connectors that nobody looks into cost their text and little
 * more. One thread uses a version and its tree; the counts are plain.
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
};

/* Small: there is one for each connector, and little beside its text. */
struct snapshot {
    unsigned refs;
    uint32_t text_len;
    int64_t updated_s, synced_s; /* of snapshot_updated_at and snapshot_synced_at */
    uint32_t updated_ns, synced_ns;
    uint16_t subdirs; /* members that are shown as directories of the connector's own */
    bool archived;
    char id[UUID_LEN + 1];
    char text[]; /* the JSON as served, NUL-terminated */
};

/* updated_at; created_at when it is absent or not a date; zero when that is so, too. */
struct timespec snapshot_updated_at(const struct snapshot *c);
/* last_sync_at; snapshot_updated_at when it is absent, null or not a date. */
struct timespec snapshot_synced_at(const struct snapshot *c);

/* Parses len bytes of JSON. On success *out has one reference, the caller's. -EBADMSG: no JSON
 * object; -EINVAL: connector_id is absent or no UUID; -EFBIG: a maximum is passed; -ENOMEM. */
int snapshot_parse(const char *json, size_t len, struct snapshot **out) MUST_CHECK;

/* Whether the service served the snapshot as exactly this text. NULL has no text. */
bool snapshot_has_text(const struct snapshot *c, const char *json, size_t len);

struct snapshot *snapshot_ref(struct snapshot *c);
void snapshot_unref(struct snapshot *c); /* NULL is fine */

#endif
