/*
 * opens: the deletions that have no end in the audit log, in the order of their intents, and by
 * their keys. Each is owned by its table. One thread.
 */
#ifndef BIGDATAFS_DELETION_OPENS_H
#define BIGDATAFS_DELETION_OPENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/deletion/audit_record.h"

enum { OPENS_BUCKETS = 4096 };

struct open_deletion {
    TAILQ_ENTRY(open_deletion) order;
    LIST_ENTRY(open_deletion) bucket;
    struct audit_record record;
    bool accepted;     /* a hard delete that the service accepted */
    uint64_t due_ms;   /* of loop_now: no earlier look; 0: at once */
    uint64_t delay_ms; /* of the look that failed last; 0: none failed */
};

struct opens {
    TAILQ_HEAD(open_list, open_deletion) list;
    LIST_HEAD(, open_deletion) buckets[OPENS_BUCKETS];
    size_t count;
};

int opens_new(struct opens **out) MUST_CHECK;
void opens_free(struct opens *o); /* NULL is fine */
int opens_add(struct opens *o, const struct audit_record *record, bool accepted) MUST_CHECK;
/* The one that came last under this key; NULL: there is none. */
struct open_deletion *opens_find(const struct opens *o, const char *key);
void opens_remove(struct opens *o, struct open_deletion *open);

#endif
