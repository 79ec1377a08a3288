#include "pool.h"

#include <stdlib.h>

struct pool_slab {
    struct pool_slab *next;
    struct node nodes[POOL_SLAB];
};

void pool_put(struct pool *p, struct node *node)
{
    *node = (struct node){.kind = NODE_NONE};
    if (p->unused == NULL)
        p->unused = node;
    else
        p->last_unused->next_free = node;
    p->last_unused = node;
    p->unused_count++;
}

static bool add_slab(struct pool *p)
{
    struct pool_slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL)
        return false;
    slab->next = p->slabs;
    p->slabs = slab;
    for (size_t i = 0; i < POOL_SLAB; i++)
        pool_put(p, &slab->nodes[i]);
    return true;
}

struct node *pool_get(struct pool *p, enum node_kind kind)
{
    while (p->unused_count <= POOL_QUARANTINE)
        if (!add_slab(p))
            break;
    struct node *node = p->unused;
    if (node == NULL)
        return NULL;
    p->unused = node->next_free;
    p->unused_count--;
    *node = (struct node){.kind = (uint8_t)kind};
    return node;
}

void pool_free(struct pool *p, void (*end)(void *arg, struct node *node), void *arg)
{
    for (struct pool_slab *slab = p->slabs; slab != NULL; slab = slab->next)
        for (size_t i = 0; i < POOL_SLAB; i++)
            if (slab->nodes[i].kind != NODE_NONE)
                end(arg, &slab->nodes[i]);
    while (p->slabs != NULL) {
        struct pool_slab *next = p->slabs->next;
        free(p->slabs);
        p->slabs = next;
    }
    *p = (struct pool){0};
}
