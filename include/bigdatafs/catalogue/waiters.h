/*
 * waiters: a list of those who wait for the same answer, told in the order in which they came.
 *
 * A waiter belongs to its caller, who embeds it in what waits; it is in one list at most, and in
 * none before waiters_add, after waiters_remove and when its done is called. A done may add and
 * remove any waiter: one that is removed is not told, one that is added waits for the next answer.
 * One thread.
 */
#ifndef BIGDATAFS_CATALOGUE_WAITERS_H
#define BIGDATAFS_CATALOGUE_WAITERS_H

#include <stdbool.h>
#include <sys/queue.h>

struct catalogue_waiter {
    void (*done)(void *arg, int err); /* err is 0 or a negative errno */
    void *arg;
    bool fresh_only;      /* only a list that was asked for later will do, not an older one */
    struct waiters *list; /* where it waits; NULL: it does not */
    TAILQ_ENTRY(catalogue_waiter) link;
};

TAILQ_HEAD(waiters, catalogue_waiter);

void waiters_init(struct waiters *list);
bool waiters_is_empty(const struct waiters *list);
/* Adds a waiter that is in no list. NULL is fine: nobody waits. */
void waiters_add(struct waiters *list, struct catalogue_waiter *w);
/* Takes the waiter out of its list, if it is in one. */
void waiters_remove(struct catalogue_waiter *w);
/* Moves all waiters to the end of another list. */
void waiters_move(struct waiters *from, struct waiters *to);

/* Takes out and tells all who wait now. */
void waiters_release(struct waiters *list, int err);
/* Takes out and tells with 0 those for whom an older list will do. */
void waiters_release_patient(struct waiters *list);

#endif
