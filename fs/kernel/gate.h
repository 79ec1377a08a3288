/*
 * gate: which notifications may be sent now, and which are held back because they would wait in the
 * kernel for a lock that a request holds. notify.h tells why (notify_hold).
 *
 * The loop's thread alone changes a gate. Notify's thread may ask gate_is_shut at the same time: it
 * sees a change at once. A gate of zeros is open for all.
 */
#ifndef BIGDATAFS_KERNEL_GATE_H
#define BIGDATAFS_KERNEL_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tell.h"

struct gate {
    atomic_uint lists;           /* requests that hold the lock of the root or of .archived */
    atomic_uint removals;        /* those that hold a connector's lock as well, to remove it */
    atomic_uint_fast64_t victim; /* the one directory that is being removed; 0: any may be */
    atomic_bool paused;          /* a removal has ended, and another may hold the root's lock */
};

void gate_lock_lists(struct gate *g);
void gate_lock_removal(struct gate *g, uint64_t victim);
/* Undo one call of the two above: whether it was the last of its kind. The end of a removal begins
 * a pause. */
bool gate_unlock_lists(struct gate *g);
bool gate_unlock_removal(struct gate *g);
void gate_end_pause(struct gate *g);

/* Whether a request holds a lock, of either kind. */
bool gate_is_locked(const struct gate *g);
bool gate_is_paused(const struct gate *g);
/* Whether the notice must not be sent now. */
bool gate_is_shut(const struct gate *g, const struct notice *notice);
/* Whether to send a notice of the kind takes the lock of the root or of .archived. */
bool gate_is_of_list(enum notice_kind kind);

#endif
