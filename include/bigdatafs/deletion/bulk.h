/*
 * bulk: many deletions that are asked for by one write to .bigdatafs/archive or
 * .bigdatafs/force_delete. Each id becomes one deletion of deletion.h; parallel of them at most are
 * under way at once, over all writes, which take turns. An id counts as done, and nothing is sent
 * for it, when its connector is archived already or its hard delete runs already. The service is
 * asked for an id that no list had. What fails before deletion.h hears of it is noted in the
 * journal here, the rest there. The kernel hands over at most 1 MiB with one write. One thread.
 */
#ifndef BIGDATAFS_DELETION_BULK_H
#define BIGDATAFS_DELETION_BULK_H

#include <stddef.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/service/journal.h"

enum {
    BULK_SLICE = 32,    /* deletions started in one turn of the loop */
    BULK_ASKS_MAX = 16, /* ids that the service is asked for at once */
};

struct bulks;
struct bulk;

/* What bulk writes are made from; the pointers are borrowed. */
struct bulk_parts {
    struct loop *loop;
    struct catalogue *catalogue;
    struct deletions *deletions;
    struct journal *journal;
    unsigned parallel; /* deletions under way at once */
};

int bulks_new(const struct bulk_parts *parts, struct bulks **out) MUST_CHECK;
/* Abandons all writes. NULL is fine. */
void bulks_free(struct bulks *b);

/* One write as it is asked for. The ids differ from each other. */
struct bulk_request {
    enum request_op op;
    uuid_text *ids; /* to be freed with free */
    size_t count;
    struct requester who;
    deletion_done_fn *done;
    void *arg;
};

/* Takes over the ids, even when it fails. 0: done is called once, later, when each id has come to
 * its end, with 0 or the errno of the first that failed; until then *out may be given to
 * bulk_abandon. -ENOMEM: nothing was started, and done is not called. */
int bulk_start(struct bulks *b, const struct bulk_request *request, struct bulk **out) MUST_CHECK;

/* Nobody waits for the write any more: done is not called, no further deletion is started, and
 * those under way are abandoned as by deletion_abandon. */
void bulk_abandon(struct bulk *bulk);

/* The program is ending: no further deletion is started. Those who wait are told once the deletions
 * under way have ended. */
void bulks_stop(struct bulks *b);

/* Writes that wait. */
unsigned bulks_under_way(const struct bulks *b);
/* One JSON object a line for each write that waits. */
int bulks_render(const struct bulks *b, struct buf *to) MUST_CHECK;

#endif
