#include "pool.h"

#include <stdlib.h>

struct node_slab {
    struct node_slab *next;
    struct node nodes[NODE_SLAB];
};

void node_pool_put(struct node_pool *p, struct node *node)
{
    *node = (struct node){.kind = NODE_NONE};
    if (p->unused == NULL)
        p->unused = node;
    else
        p->last_unused->next_free = node;
    p->last_unused = node;
    p->unused_count++;
}

static bool add_slab(struct node_pool *p)
{
    struct node_slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL)
        return false;
    slab->next = p->slabs;
    p->slabs = slab;
    for (size_t i = 0; i < NODE_SLAB; i++)
        node_pool_put(p, &slab->nodes[i]);
    return true;
}

struct node *node_pool_get(struct node_pool *p, enum node_kind kind)
{
    while (p->unused_count <= NODE_QUARANTINE)
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
