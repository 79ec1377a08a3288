#include "bigdatafs/inode/id.h"

#include "life.h"

struct node *nodes_from_id(struct nodes *n, uint64_t id)
{
    return id == NOTIFY_ROOT_ID ? &n->root : (struct node *)(uintptr_t)id;
}

uint64_t nodes_id(const struct nodes *n, const struct node *node)
{
    return node == &n->root ? NOTIFY_ROOT_ID : (uint64_t)(uintptr_t)node;
}
