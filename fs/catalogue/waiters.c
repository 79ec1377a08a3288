#include "bigdatafs/catalogue/waiters.h"

#include <assert.h>
#include <stddef.h>

void waiters_init(struct waiters *list)
{
    TAILQ_INIT(list);
}

bool waiters_is_empty(const struct waiters *list)
{
    return TAILQ_EMPTY(list);
}

void waiters_add(struct waiters *list, struct catalogue_waiter *w)
{
    if (w == NULL)
        return;
    assert(w->list == NULL);
    w->list = list;
    TAILQ_INSERT_TAIL(list, w, link);
}

void waiters_remove(struct catalogue_waiter *w)
{
    if (w->list == NULL)
        return;
    TAILQ_REMOVE(w->list, w, link);
    w->list = NULL;
}

static void move_one(struct catalogue_waiter *w, struct waiters *to)
{
    waiters_remove(w);
    waiters_add(to, w);
}

void waiters_move(struct waiters *from, struct waiters *to)
{
    while (!TAILQ_EMPTY(from))
        move_one(TAILQ_FIRST(from), to);
}

/* Each is out of the list before it is told, since its done may free it. */
static void tell_all(struct waiters *due, int err)
{
    while (!TAILQ_EMPTY(due)) {
        struct catalogue_waiter *w = TAILQ_FIRST(due);
        waiters_remove(w);
        w->done(w->arg, err);
    }
}

void waiters_release(struct waiters *list, int err)
{
    struct waiters due = TAILQ_HEAD_INITIALIZER(due);
    waiters_move(list, &due);
    tell_all(&due, err);
}

void waiters_release_patient(struct waiters *list)
{
    struct waiters due = TAILQ_HEAD_INITIALIZER(due);
    struct catalogue_waiter *w = TAILQ_FIRST(list);
    while (w != NULL) {
        struct catalogue_waiter *next = TAILQ_NEXT(w, link);
        if (!w->fresh_only)
            move_one(w, &due);
        w = next;
    }
    tell_all(&due, 0);
}
