#include "ask.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/sentence.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/service/failure.h"

/* One id that is being asked for, and who waits for the answer. */
struct ask {
    struct asks *all;
    uuid_text id;
    struct api_op *op; /* NULL: this place is free, and nobody waits in it */
    uint64_t changes;  /* the host's count of changes when the question was sent */
    struct waiters waiters;
};

struct absent {
    uuid_text id;
    uint64_t until_ms; /* remembered before this time of loop_now */
};

struct asks {
    struct asks_parts parts;
    struct asks_host host;
    struct ask asks[ASKS_MAX];
    struct absent absent[ASKS_ABSENT_MAX];
    unsigned next_absent; /* counts up; its place is the rest of the division */
};

/* Absence */

bool asks_knows_absent(const struct asks *a, const char *id)
{
    uint64_t now = loop_now(a->parts.loop);
    for (unsigned i = 0; i < ASKS_ABSENT_MAX; i++)
        if (a->absent[i].until_ms > now && strcmp(a->absent[i].id, id) == 0)
            return true;
    return false;
}

void asks_remember_absent(struct asks *a, const char *id)
{
    struct absent *absent = &a->absent[a->next_absent++ % ASKS_ABSENT_MAX];
    snprintf(absent->id, sizeof absent->id, "%s", id);
    absent->until_ms = loop_now(a->parts.loop) + a->parts.ttl_ms;
}

void asks_forget_absent(struct asks *a, const char *id)
{
    for (unsigned i = 0; i < ASKS_ABSENT_MAX; i++)
        if (strcmp(a->absent[i].id, id) == 0)
            a->absent[i].until_ms = 0;
}

/* Questions */

static void note_failure(const struct asks *a, const char *id, const struct api_result *result)
{
    char why[SENTENCE_MAX];
    api_describe(result, why, sizeof why);
    log_warning(a->parts.log, "%s cannot be asked for: %s; %s", id, why,
                failure_hint(result->failure, result->status));
    struct journal_note note = {
        .operation = "get", .id = id, .err = result->err, .result = result, .reason = why};
    journal_add(a->parts.journal, &note);
}

/* Tells the host of the answer. 0, or the negative errno for those who wait. What a DELETE did
 * after the question was sent is not undone by it. The service takes an id in either case of hex,
 * but a connector has one name: in another spelling it is absent. */
static int apply(const struct ask *ask, const struct api_result *result)
{
    struct asks *a = ask->all;
    const char *id = ask->id;
    if (result->err < 0 && !api_says_gone(result)) {
        note_failure(a, id, result);
        return result->err;
    }
    if (a->host.changed_since(a->host.arg, id, ask->changes))
        return 0;
    if (result->err == 0 && strcmp(result->snapshot->id, id) == 0)
        return a->host.learn(a->host.arg, result->snapshot);
    asks_remember_absent(a, id);
    a->host.absent(a->host.arg, id);
    return 0;
}

static void on_answer(void *arg, const struct api_result *result)
{
    struct ask *ask = arg;
    int err = apply(ask, result); /* who asks meanwhile gets this answer, too */
    ask->op = NULL;               /* who is told may take the place for another id */
    waiters_release(&ask->waiters, err);
}

/* The place of the id if it is being asked for, else a free one, else NULL. */
static struct ask *find_place(struct asks *a, const char *id)
{
    struct ask *unused = NULL;
    for (unsigned i = 0; i < ASKS_MAX; i++) {
        struct ask *ask = &a->asks[i];
        assert(ask->op != NULL || waiters_is_empty(&ask->waiters));
        if (ask->op == NULL)
            unused = ask;
        else if (strcmp(ask->id, id) == 0)
            return ask;
    }
    return unused;
}

int asks_start(struct asks *a, const char *id, struct catalogue_waiter *w)
{
    struct ask *ask = find_place(a, id);
    if (ask == NULL)
        return -EAGAIN;
    if (ask->op == NULL) {
        struct api_call call = {
            .deadline_ms = api_deadline(a->parts.api), .done = on_answer, .arg = ask};
        int err = api_get(a->parts.api, id, &call, &ask->op);
        if (err < 0)
            return err;
        snprintf(ask->id, sizeof ask->id, "%s", id);
        ask->changes = a->host.changes(a->host.arg);
    }
    waiters_add(&ask->waiters, w);
    return 0;
}

int asks_new(const struct asks_parts *parts, const struct asks_host *host, struct asks **out)
{
    struct asks *a = calloc(1, sizeof *a);
    if (a == NULL)
        return -ENOMEM;
    a->parts = *parts;
    a->host = *host;
    for (unsigned i = 0; i < ASKS_MAX; i++) {
        a->asks[i].all = a;
        waiters_init(&a->asks[i].waiters);
    }
    *out = a;
    return 0;
}

void asks_free(struct asks *a)
{
    if (a == NULL)
        return;
    for (unsigned i = 0; i < ASKS_MAX; i++)
        if (a->asks[i].op != NULL)
            api_cancel(a->asks[i].op);
    free(a);
}
