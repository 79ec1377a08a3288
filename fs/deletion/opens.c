#include "opens.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/hash.h"

static size_t bucket_of(const char *key)
{
    return hash_bytes(key, strlen(key), 0) % OPENS_BUCKETS;
}

int opens_new(struct opens **out)
{
    struct opens *o = calloc(1, sizeof *o);
    if (o == NULL)
        return -ENOMEM;
    TAILQ_INIT(&o->list);
    *out = o;
    return 0;
}

int opens_add(struct opens *o, const struct audit_record *record, bool accepted)
{
    struct open_deletion *open = calloc(1, sizeof *open);
    if (open == NULL)
        return -ENOMEM;
    open->record = *record;
    open->accepted = accepted;
    TAILQ_INSERT_TAIL(&o->list, open, order);
    LIST_INSERT_HEAD(&o->buckets[bucket_of(record->key)], open, bucket);
    o->count++;
    return 0;
}

struct open_deletion *opens_find(const struct opens *o, const char *key)
{
    struct open_deletion *open = LIST_FIRST(&o->buckets[bucket_of(key)]);
    while (open != NULL && strcmp(open->record.key, key) != 0)
        open = LIST_NEXT(open, bucket);
    return open;
}

void opens_remove(struct opens *o, struct open_deletion *open)
{
    TAILQ_REMOVE(&o->list, open, order);
    LIST_REMOVE(open, bucket);
    o->count--;
    free(open);
}

void opens_free(struct opens *o)
{
    if (o == NULL)
        return;
    while (!TAILQ_EMPTY(&o->list))
        opens_remove(o, TAILQ_FIRST(&o->list));
    free(o);
}
