#include "bigdatafs/node_pool.h"

#include <stdlib.h>

struct node_slab {
    struct node_slab *next;
    struct node nodes[NODE_SLAB];
};

static bool add_slab(struct node_pool *p)
{
    struct node_slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL)
        return false;
    slab->next = p->slabs;
    p->slabs = slab;
    for (size_t i = NODE_SLAB; i-- > 0;) {
        slab->nodes[i].next_free = p->unused;
        p->unused = &slab->nodes[i];
    }
    return true;
}

struct node *node_pool_get(struct node_pool *p, enum node_kind kind)
{
    if (p->unused == NULL && !add_slab(p))
        return NULL;
    struct node *node = p->unused;
    p->unused = node->next_free;
    p->in_use++;
    *node = (struct node){.kind = (uint8_t)kind};
    return node;
}

void node_pool_put(struct node_pool *p, struct node *node)
{
    *node = (struct node){.kind = NODE_NONE, .next_free = p->unused};
    p->unused = node;
    p->in_use--;
}

void node_pool_free(struct node_pool *p, void (*end)(void *arg, struct node *node), void *arg)
{
    for (struct node_slab *slab = p->slabs; slab != NULL; slab = slab->next)
        for (size_t i = 0; i < NODE_SLAB; i++)
            if (slab->nodes[i].kind != NODE_NONE)
                end(arg, &slab->nodes[i]);
    while (p->slabs != NULL) {
        struct node_slab *next = p->slabs->next;
        free(p->slabs);
        p->slabs = next;
    }
    *p = (struct node_pool){0};
}
