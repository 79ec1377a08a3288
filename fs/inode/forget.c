#include "forget.h"

#include "about_dir.h"
#include "departing.h"
#include "life.h"

void node_end(void *arg, struct node *node)
{
    const struct nodes *n = arg;
    view_unref(node->view);
    if (node->connector != NULL)
        node->connector->pins--;
    about_dir_end(n, node);
}

static void node_free(struct nodes *n, struct node *node)
{
    node_end(n, node);
    pool_put(&n->pool, node);
}

void nodes_forget(struct nodes *n, struct node *node, uint64_t lookups)
{
    if (node_is_fixed(node))
        return;
    node->lookups = lookups < node->lookups ? node->lookups - lookups : 0;
    if (node->lookups > 0)
        return;
    node_detach(node);
    departing_forget(n, node);
    node_free(n, node);
}
