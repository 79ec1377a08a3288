#include "bigdatafs/deletion/bulk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "bigdatafs/base/request.h"
#include "bigdatafs/base/sentence.h"
#include "bigdatafs/base/uuid.h"

/*
 * One id on its way, of a write that waits:
 *
 *   state     what is true in it                     what ends it        next
 *   FRESH     nothing is under way for it            it is looked up     ASKING, DELETING, or ends
 *   ASKING    the catalogue asks the service for     the answer          DELETING, or ends
 *             it; it counts in bulks.asking
 *   DELETING  deletion.h has it                      the deletion ends   ends
 *
 * An item that ends is freed, and counts as succeeded or failed in its write.
 */
enum item_state { FRESH, ASKING, DELETING };

struct item {
    TAILQ_ENTRY(item) link;
    struct bulk *bulk;
    enum item_state state;
    bool asked; /* the service was asked for it: not a second time */
    struct catalogue_waiter waiter;
    struct deletion *deletion; /* in DELETING */
    uuid_text id;
};

/* One write that waits. It ends when all its ids were started and none is under way. */
struct bulk {
    TAILQ_ENTRY(bulk) link;
    struct bulks *all;
    enum request_op op;
    struct requester who;
    uuid_text *ids;
    size_t count;
    size_t started; /* ids before this one were taken up, or will never be */
    size_t under_way, succeeded, failed;
    TAILQ_HEAD(, item) items; /* those under way */
    int err;                  /* of the first that failed */
    deletion_done_fn *done;
    void *arg;
};

struct bulks {
    struct bulk_parts parts;
    unsigned under_way, asking; /* items of all writes */
    TAILQ_HEAD(, bulk) list;    /* the one whose turn it is comes first */
    struct loop_timer turn;     /* set when something may be started or has ended */
    bool stopping;              /* no id is taken up any more */
};

static const char no_memory[] = "no memory, nothing was sent";
static const char ending[] = "the program is ending";

static void check_invariants(const struct bulk *bulk)
{
    const struct bulks *b = bulk->all;
    assert(bulk->started <= bulk->count);
    assert(bulk->under_way + bulk->succeeded + bulk->failed == bulk->started);
    assert((bulk->under_way == 0) == TAILQ_EMPTY(&bulk->items));
    assert((bulk->failed == 0) == (bulk->err == 0));
    assert(bulk->under_way <= b->under_way && b->asking <= b->under_way);
    assert(b->under_way <= b->parts.parallel && b->asking <= BULK_ASKS_MAX);
    (void)b;
}

static void check_item(const struct item *i)
{
    assert((i->state == DELETING) == (i->deletion != NULL));
    assert(i->state != ASKING || (i->asked && i->bulk->all->asking > 0));
    check_invariants(i->bulk);
}

static void bulk_free(struct bulk *bulk)
{
    TAILQ_REMOVE(&bulk->all->list, bulk, link);
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
                                .hint = hint,
                                .each = true};
    journal_add(bulk->all->parts.journal, &note);
}

/* One id */

static void set_state(struct item *i, enum item_state state)
{
    struct bulks *b = i->bulk->all;
    b->asking += state == ASKING;
    b->asking -= i->state == ASKING;
    i->state = state;
}

static void item_free(struct item *i)
{
    struct bulk *bulk = i->bulk;
    set_state(i, FRESH);
    catalogue_unwait(&i->waiter);
    TAILQ_REMOVE(&bulk->items, i, link);
    bulk->under_way--;
    bulk->all->under_way--;
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

/* Whether all are started and ended is seen in the next turn. */
static void want_turn(struct bulks *b)
{
    loop_timer_set(b->parts.loop, &b->turn, 0);
}

static void item_end(struct item *i, int err)
{
    struct bulk *bulk = i->bulk;
    item_free(i);
    count_end(bulk, err);
    check_invariants(bulk);
    want_turn(bulk->all);
}

static void on_deleted(void *arg, int err)
{
    item_end(arg, err);
}

static bool is_done_already(const struct bulk *bulk, const struct connector *connector)
{
    if (bulk->op == REQUEST_ARCHIVE)
        return connector->place == PLACE_ARCHIVED;
    return connector_is_being_deleted(connector);
}

static void ask(struct item *i)
{
    struct catalogue *catalogue = i->bulk->all->parts.catalogue;
    int err;
    i->asked = true;
    if (catalogue_ask(catalogue, i->id, &i->waiter, &err) != CATALOGUE_ASKED) {
        i->waiter.done(i, err);
        return;
    }
    set_state(i, ASKING);
    check_item(i);
}

static void delete_one(struct item *i, struct connector *connector)
{
    const struct bulk *bulk = i->bulk;
    struct deletion_request request = {.op = bulk->op,
                                       .connector = connector,
                                       .bulk = true,
                                       .who = bulk->who,
                                       .done = on_deleted,
                                       .arg = i};
    int err = deletion_start(bulk->all->parts.deletions, &request, &i->deletion);
    if (err < 0) {
        item_end(i, err);
        return;
    }
    set_state(i, DELETING);
    check_item(i);
}

/* Looks the id up, and does what is to be done for it. */
static void item_go(struct item *i)
{
    const struct bulk *bulk = i->bulk;
    struct connector *connector =
        connectors_find(catalogue_connectors(bulk->all->parts.catalogue), i->id);
    bool known = connector_exists(connector);
    if (!known && !i->asked) {
        ask(i);
    } else if (!known) {
        note_failure(bulk, i->id, -ENOENT, "the service has no connector with this id", NULL);
        item_end(i, -ENOENT);
    } else if (is_done_already(bulk, connector)) {
        item_end(i, 0);
    } else if (bulk->all->stopping) { /* it was being asked for until now */
        note_failure(bulk, i->id, -EIO, "the program is ending, nothing was sent", NULL);
        item_end(i, -EIO);
    } else {
        delete_one(i, connector);
    }
}

static void note_not_asked(const struct item *i, int err)
{
    if (err == -EAGAIN)
        note_failure(i->bulk, i->id, err,
                     "it is not known, and too many others are being asked for",
                     "wait a moment and write this id again");
    else
        note_failure(i->bulk, i->id, err, "it is not known, and could not be asked for",
                     "the last line for a get has the reason");
}

static void on_asked(void *arg, int err)
{
    struct item *i = arg;
    set_state(i, FRESH);
    want_turn(i->bulk->all); /* there is room for another that is asked for */
    if (err < 0) {
        note_not_asked(i, err);
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
    *i = (struct item){.bulk = bulk, .waiter = {.done = on_asked, .arg = i}};
    memcpy(i->id, id, sizeof i->id);
    TAILQ_INSERT_TAIL(&bulk->items, i, link);
    bulk->under_way++;
    bulk->all->under_way++;
    item_go(i);
}

/* Starts one id of the next write that has any, which then waits for its turn behind the others.
 * False: there is none, or no room. */
static bool start_one(struct bulks *b)
{
    if (b->under_way >= b->parts.parallel || b->asking >= BULK_ASKS_MAX)
        return false;
    struct bulk *bulk = TAILQ_FIRST(&b->list);
    while (bulk != NULL && bulk->started == bulk->count)
        bulk = TAILQ_NEXT(bulk, link);
    if (bulk == NULL)
        return false;
    TAILQ_REMOVE(&b->list, bulk, link);
    TAILQ_INSERT_TAIL(&b->list, bulk, link);
    start_next(bulk);
    return true;
}

static void finish_ended(struct bulks *b)
{
    struct bulk *bulk = TAILQ_FIRST(&b->list);
    while (bulk != NULL) {
        struct bulk *next = TAILQ_NEXT(bulk, link);
        check_invariants(bulk);
        if (bulk->under_way == 0 && bulk->started == bulk->count) {
            bulk->done(bulk->arg, bulk->err);
            bulk_free(bulk);
        }
        bulk = next;
    }
}

static void on_turn(void *arg)
{
    struct bulks *b = arg;
    unsigned n = 0;
    while (n < BULK_SLICE && start_one(b))
        n++;
    if (n == BULK_SLICE)
        want_turn(b);
    finish_ended(b);
}

/* The ids that were not started never will be: one line of the journal tells of all of them. */
static void drop_rest(struct bulk *bulk, int err, const char *why)
{
    size_t left = bulk->count - bulk->started;
    char reason[SENTENCE_MAX];
    if (left == 0)
        return;
    snprintf(reason, sizeof reason, "%s: nothing was sent for the last %zu of %zu ids", why, left,
             bulk->count);
    note_failure(bulk, "", err, reason, NULL);
    bulk->started = bulk->count;
    bulk->failed += left;
    if (bulk->err == 0)
        bulk->err = err;
    check_invariants(bulk);
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
                          .arg = request->arg};
    TAILQ_INIT(&bulk->items);
    TAILQ_INSERT_TAIL(&b->list, bulk, link);
    if (b->stopping)
        drop_rest(bulk, -EIO, ending);
    want_turn(b);
    *out = bulk;
    return 0;
}

void bulk_abandon(struct bulk *bulk)
{
    struct bulks *b = bulk->all;
    drop_rest(bulk, -EINTR, "interrupted");
    while (!TAILQ_EMPTY(&bulk->items)) {
        struct item *i = TAILQ_FIRST(&bulk->items);
        if (i->state == DELETING)
            deletion_abandon(i->deletion);
        item_free(i);
    }
    bulk_free(bulk);
    want_turn(b);
}

void bulks_stop(struct bulks *b)
{
    b->stopping = true;
    for (struct bulk *bulk = TAILQ_FIRST(&b->list); bulk != NULL; bulk = TAILQ_NEXT(bulk, link))
        drop_rest(bulk, -EIO, ending);
    want_turn(b);
}

unsigned bulks_under_way(const struct bulks *b)
{
    unsigned n = 0;
    for (const struct bulk *bulk = TAILQ_FIRST(&b->list); bulk != NULL;
         bulk = TAILQ_NEXT(bulk, link))
        n++;
    return n;
}

int bulks_render(const struct bulks *b, struct buf *to)
{
    for (const struct bulk *x = TAILQ_FIRST(&b->list); x != NULL; x = TAILQ_NEXT(x, link)) {
        int err =
            buf_printf(to,
                       "{\"operation\":\"bulk %s\",\"state\":\"under way\",\"pid\":%d,\"ids\":%zu,"
                       "\"succeeded\":%zu,\"failed\":%zu,\"under_way\":%zu,\"waiting\":%zu}\n",
                       request_op_name(x->op), (int)x->who.pid, x->count, x->succeeded, x->failed,
                       x->under_way, x->count - x->started);
        if (err < 0)
            return err;
    }
    return 0;
}

int bulks_new(const struct bulk_parts *parts, struct bulks **out)
{
    struct bulks *b = calloc(1, sizeof *b);
    if (b == NULL)
        return -ENOMEM;
    b->parts = *parts;
    TAILQ_INIT(&b->list);
    loop_timer_init(&b->turn, on_turn, b);
    *out = b;
    return 0;
}

void bulks_free(struct bulks *b)
{
    if (b == NULL)
        return;
    while (!TAILQ_EMPTY(&b->list))
        bulk_abandon(TAILQ_FIRST(&b->list));
    loop_timer_clear(&b->turn);
    free(b);
}
