#include "pool.h"

#include <stdbool.h>
#include <stdlib.h>

struct pool_slab {
    SLIST_ENTRY(pool_slab) next;
    struct node nodes[POOL_SLAB];
};

void pool_init(struct pool *p)
{
    *p = (struct pool){0};
    SLIST_INIT(&p->slabs);
    STAILQ_INIT(&p->unused);
}

void pool_put(struct pool *p, struct node *node)
{
    *node = (struct node){.kind = NODE_NONE};
    STAILQ_INSERT_TAIL(&p->unused, node, unused);
    p->unused_count++;
}

static bool add_slab(struct pool *p)
{
    struct pool_slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL)
        return false;
    SLIST_INSERT_HEAD(&p->slabs, slab, next);
    for (size_t i = 0; i < POOL_SLAB; i++)
        pool_put(p, &slab->nodes[i]);
    return true;
}

struct node *pool_get(struct pool *p, enum node_kind kind)
{
    while (p->unused_count <= POOL_QUARANTINE && add_slab(p))
        ;
    struct node *node = STAILQ_FIRST(&p->unused);
    if (node == NULL)
        return NULL;
    STAILQ_REMOVE_HEAD(&p->unused, unused);
    p->unused_count--;
    *node = (struct node){.kind = (uint8_t)kind};
    return node;
}

void pool_free(struct pool *p, void (*end)(void *arg, struct node *node), void *arg)
{
    struct pool_slab *slab;
    for (slab = SLIST_FIRST(&p->slabs); slab != NULL; slab = SLIST_NEXT(slab, next))
        for (size_t i = 0; i < POOL_SLAB; i++)
            if (slab->nodes[i].kind != NODE_NONE)
                end(arg, &slab->nodes[i]);
    while ((slab = SLIST_FIRST(&p->slabs)) != NULL) {
        SLIST_REMOVE_HEAD(&p->slabs, next);
        free(slab);
    }
    pool_init(p);
}
