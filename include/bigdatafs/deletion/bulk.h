/*
 * bulk: many deletions asked for by one write to .bigdatafs/archive or .bigdatafs/force_delete.
 * Each id becomes one deletion of deletion.h, at most -o parallel= of them at once over all
 * writes, which take turns. What is so already counts as done and sends nothing: archiving an
 * archived connector, hard-deleting one whose hard delete runs. An id that no list had is asked
 * for first. What fails before deletion.h hears of it is noted here, for .bigdatafs/errors; the
 * rest is noted there. The kernel hands over at most 1 MiB with one write. One thread.
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
    BULK_ASKS_MAX = 16, /* ids asked for by themselves at once */
};

struct bulks;
struct bulk;

/* parallel: deletions under way at once, over all writes. */
int bulks_new(struct loop *loop, struct catalogue *catalogue, struct deletions *deletions,
              struct journal *journal, unsigned parallel, struct bulks **out) MUST_CHECK;
void bulks_free(struct bulks *b); /* nobody is told; NULL is fine */

/* One write as it is asked for. The ids differ from each other. */
struct bulk_request {
    enum request_op op;
    uuid_text *ids; /* to be freed with free */
    size_t count;
    struct requester who;
    deletion_done_fn *done;
    void *arg;
};

/* Takes over the ids, in every case. 0: done is called once, later, when each has come to its end:
 * 0, or the errno of the first that failed; until then *out may be given to bulk_abandon. -ENOMEM:
 * nothing was started. */
int bulk_start(struct bulks *b, const struct bulk_request *request, struct bulk **out) MUST_CHECK;

/* Who waited waits no more: done is not called, no further deletion is started, and those under way
 * are abandoned as by deletion_abandon. */
void bulk_abandon(struct bulk *bulk);

/* The program is ending: no further deletion is started. Who waits is told once those under way
 * have ended. */
void bulks_stop(struct bulks *b);

/* Writes that wait. */
unsigned bulks_under_way(const struct bulks *b);
/* One JSON object a line for each write that waits. */
int bulks_render(const struct bulks *b, struct buf *to) MUST_CHECK;

#endif
