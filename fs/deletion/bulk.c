#include "bigdatafs/deletion/bulk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/request.h"
#include "bigdatafs/base/uuid.h"

/* One id on its way: asked for, or being deleted. */
struct item {
    struct bulk *bulk;
    struct item *next, *prev;
    char id[UUID_LEN + 1];
    bool asked, waits;              /* it was asked for; the answer is to come */
    struct catalogue_waiter waiter; /* while it waits */
    struct deletion *deletion;      /* while it is deleted */
};

struct bulk {
    struct bulks *all;
    struct bulk *next, *prev;
    enum request_op op;
    struct requester who;
    uuid_text *ids;
    size_t count, started, succeeded, failed;
    struct item items; /* head of the ring of those under way */
    size_t under_way;
    int err; /* of the first that failed */
    deletion_done_fn *done;
    void *arg;
};

struct bulks {
    struct loop *loop;
    struct catalogue *catalogue;
    struct deletions *deletions;
    struct journal *journal;
    unsigned parallel, under_way, asking;
    struct bulk ring; /* head; the next whose turn it is comes first */
    struct loop_timer turn;
    bool stopping;
};

static const char no_memory[] = "no memory, nothing was sent";

static void bulk_free(struct bulk *bulk)
{
    bulk->prev->next = bulk->next;
    bulk->next->prev = bulk->prev;
    free(bulk->ids);
    free(bulk);
}

static void note_failure(const struct bulk *bulk, const char *id, int err, const char *reason,
                         const char *hint)
{
    struct journal_note note = {.operation = request_op_name(bulk->op),
                                .id = id,
                                .who = &bulk->who,
                                .err = err,
                                .reason = reason,
                                .hint = hint};
    journal_add(bulk->all->journal, &note);
}

/* One id */

static void item_free(struct item *i)
{
    struct bulks *b = i->bulk->all;
    b->asking -= i->waits;
    catalogue_unwait(&i->waiter);
    i->prev->next = i->next;
    i->next->prev = i->prev;
    i->bulk->under_way--;
    b->under_way--;
    free(i);
}

static void count_end(struct bulk *bulk, int err)
{
    if (err == 0) {
        bulk->succeeded++;
        return;
    }
    bulk->failed++;
    if (bulk->err == 0)
        bulk->err = err;
}

static void item_end(struct item *i, int err)
{
    struct bulks *b = i->bulk->all;
    count_end(i->bulk, err);
    item_free(i);
    loop_timer_set(b->loop, &b->turn, 0);
}

static void on_deleted(void *arg, int err)
{
    item_end(arg, err);
}

static bool is_so_already(const struct bulk *bulk, const struct connector *connector)
{
    if (bulk->op == REQUEST_ARCHIVE)
        return connector->place == PLACE_ARCHIVED;
    return connector_is_being_deleted(connector);
}

static void ask(struct item *i)
{
    struct bulks *b = i->bulk->all;
    i->asked = true;
    int err;
    i->waits = catalogue_ask(b->catalogue, i->id, &i->waiter, &err) == CATALOGUE_ASKED;
    b->asking += i->waits;
    if (!i->waits)
        i->waiter.done(i, err);
}

static void item_go(struct item *i)
{
    const struct bulk *bulk = i->bulk;
    struct bulks *b = bulk->all;
    struct connector *connector = connectors_find(catalogue_connectors(b->catalogue), i->id);
    bool known = connector_exists(connector);
    if (!known && !i->asked) {
        ask(i);
    } else if (!known) {
        note_failure(bulk, i->id, -ENOENT, "the service has no connector with this id", NULL);
        item_end(i, -ENOENT);
    } else if (is_so_already(bulk, connector)) {
        item_end(i, 0);
    } else {
        struct deletion_request request = {.op = bulk->op,
                                           .connector = connector,
                                           .bulk = true,
                                           .who = bulk->who,
                                           .done = on_deleted,
                                           .arg = i};
        int err = deletion_start(b->deletions, &request, &i->deletion);
        if (err < 0)
            item_end(i, err);
    }
}

static void on_asked(void *arg, int err)
{
    struct item *i = arg;
    struct bulks *b = i->bulk->all;
    b->asking -= i->waits;
    i->waits = false;
    loop_timer_set(b->loop, &b->turn, 0); /* there is room for another */
    if (err < 0) {
        if (err == -EAGAIN)
            note_failure(i->bulk, i->id, err,
                         "it is not known, and too many others are being asked for",
                         "wait a moment and write this id again");
        else
            note_failure(i->bulk, i->id, err, "it is not known, and could not be asked for",
                         "the last line for a get of this id has the reason");
        item_end(i, err);
    } else {
        item_go(i);
    }
}

/* All of them */

static void start_next(struct bulk *bulk)
{
    struct item *i = calloc(1, sizeof *i);
    const char *id = bulk->ids[bulk->started++];
    if (i == NULL) {
        note_failure(bulk, id, -ENOMEM, no_memory, NULL);
        count_end(bulk, -ENOMEM);
        return;
    }
    *i = (struct item){.bulk = bulk, .prev = bulk->items.prev, .next = &bulk->items};
    i->prev->next = i->next->prev = i;
    i->waiter = (struct catalogue_waiter){.done = on_asked, .arg = i};
    memcpy(i->id, id, sizeof i->id);
    bulk->under_way++;
    bulk->all->under_way++;
    item_go(i);
}

static void to_end_of_ring(struct bulks *b, struct bulk *bulk)
{
    bulk->prev->next = bulk->next;
    bulk->next->prev = bulk->prev;
    bulk->prev = b->ring.prev;
    bulk->next = &b->ring;
    bulk->prev->next = bulk->next->prev = bulk;
}

/* Starts one id of the next write that has any. False: there is none, or no room. */
static bool start_one(struct bulks *b)
{
    if (b->stopping || b->under_way >= b->parallel || b->asking >= BULK_ASKS_MAX)
        return false;
    for (struct bulk *bulk = b->ring.next; bulk != &b->ring; bulk = bulk->next) {
        if (bulk->started == bulk->count)
            continue;
        to_end_of_ring(b, bulk);
        start_next(bulk);
        return true;
    }
    return false;
}

static void finish_ended(struct bulks *b)
{
    for (struct bulk *bulk = b->ring.next, *next; bulk != &b->ring; bulk = next) {
        next = bulk->next;
        if (bulk->under_way > 0 || bulk->started < bulk->count)
            continue;
        bulk->done(bulk->arg, bulk->err);
        bulk_free(bulk);
    }
}

static void on_turn(void *arg)
{
    struct bulks *b = arg;
    unsigned n = 0;
    while (n < BULK_SLICE && start_one(b))
        n++;
    if (n == BULK_SLICE)
        loop_timer_set(b->loop, &b->turn, 0);
    finish_ended(b);
}

int bulk_start(struct bulks *b, const struct bulk_request *request, struct bulk **out)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);
    if (bulk == NULL) {
        free(request->ids);
        return -ENOMEM;
    }
    *bulk = (struct bulk){.all = b,
                          .op = request->op,
                          .who = request->who,
                          .ids = request->ids,
                          .count = request->count,
                          .done = request->done,
                          .arg = request->arg,
                          .prev = b->ring.prev,
                          .next = &b->ring};
    bulk->prev->next = bulk->next->prev = bulk;
    bulk->items.next = bulk->items.prev = &bulk->items;
    loop_timer_set(b->loop, &b->turn, 0);
    *out = bulk;
    return 0;
}

/* What is left will never be started: one line tells of all of it. */
static void drop_rest(struct bulk *bulk, int err, const char *why)
{
    size_t left = bulk->count - bulk->started;
    char reason[128];
    if (left == 0)
        return;
    snprintf(reason, sizeof reason, "%s: nothing was sent for the last %zu of %zu ids", why, left,
             bulk->count);
    note_failure(bulk, "", err, reason, NULL);
    bulk->started = bulk->count;
    bulk->failed += left;
    if (bulk->err == 0)
        bulk->err = err;
}

void bulk_abandon(struct bulk *bulk)
{
    struct bulks *b = bulk->all;
    drop_rest(bulk, -EINTR, "interrupted");
    while (bulk->items.next != &bulk->items) {
        struct item *i = bulk->items.next;
        if (i->deletion != NULL)
            deletion_abandon(i->deletion);
        item_free(i);
    }
    bulk_free(bulk);
    loop_timer_set(b->loop, &b->turn, 0);
}

void bulks_stop(struct bulks *b)
{
    b->stopping = true;
    for (struct bulk *bulk = b->ring.next; bulk != &b->ring; bulk = bulk->next)
        drop_rest(bulk, -EIO, "the program is ending");
    loop_timer_set(b->loop, &b->turn, 0);
}

unsigned bulks_under_way(const struct bulks *b)
{
    unsigned n = 0;
    for (const struct bulk *bulk = b->ring.next; bulk != &b->ring; bulk = bulk->next)
        n++;
    return n;
}

int bulks_render(const struct bulks *b, struct buf *to)
{
    int err = 0;
    for (const struct bulk *x = b->ring.next; err == 0 && x != &b->ring; x = x->next)
        err = buf_printf(to,
                         "{\"operation\":\"bulk %s\",\"state\":\"under way\",\"pid\":%d,"
                         "\"ids\":%zu,\"succeeded\":%zu,\"failed\":%zu,\"under_way\":%zu,"
                         "\"waiting\":%zu}\n",
                         request_op_name(x->op), (int)x->who.pid, x->count, x->succeeded, x->failed,
                         x->under_way, x->count - x->started);
    return err;
}

int bulks_new(struct loop *loop, struct catalogue *catalogue, struct deletions *deletions,
              struct journal *journal, unsigned parallel, struct bulks **out)
{
    struct bulks *b = calloc(1, sizeof *b);
    if (b == NULL)
        return -ENOMEM;
    *b = (struct bulks){.loop = loop,
                        .catalogue = catalogue,
                        .deletions = deletions,
                        .journal = journal,
                        .parallel = parallel};
    b->ring.next = b->ring.prev = &b->ring;
    loop_timer_init(&b->turn, on_turn, b);
    *out = b;
    return 0;
}

void bulks_free(struct bulks *b)
{
    if (b == NULL)
        return;
    while (b->ring.next != &b->ring)
        bulk_abandon(b->ring.next);
    loop_timer_clear(&b->turn);
    free(b);
}
