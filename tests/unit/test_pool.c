#include "pool.h"

#include "check.h"
#include "failing.h"

static void count_end(void *arg, struct node *node)
{
    unsigned *ended = arg;
    *ended += node->kind == NODE_FILE;
}

static void test_quarantine(void)
{
    struct pool p;
    unsigned ended = 0;
    pool_init(&p);
    struct node *first = pool_get(&p, NODE_FILE);
    first->ino = 7;
    pool_put(&p, first);
    unsigned others = 0;
    struct node *node;
    while ((node = pool_get(&p, NODE_FILE)) != first) {
        others++;
        CHECK(node->kind == NODE_FILE && node->ino == 0 && node->connector == NULL);
        if (others % 3 != 0)
            pool_put(&p, node);
    }
    CHECK(others >= POOL_QUARANTINE);
    CHECK_INT(first->ino, 0);
    pool_free(&p, count_end, &ended);
    CHECK_INT(ended, others / 3 + 1);
}

/* Those that were put back first are used again first. */
static void test_the_longest_unused_first(void)
{
    enum { MANY = 3 * POOL_SLAB };
    struct pool p;
    struct node *nodes[MANY];
    unsigned ended = 0;
    pool_init(&p);
    for (unsigned i = 0; i < MANY; i++)
        nodes[i] = pool_get(&p, NODE_FILE);
    size_t unused = p.unused_count;
    for (unsigned i = 0; i < MANY; i++)
        pool_put(&p, nodes[i]);
    for (size_t i = 0; i < unused; i++)
        CHECK(pool_get(&p, NODE_FILE) != nodes[0]);
    for (unsigned i = 0; i < POOL_SLAB; i++)
        CHECK(pool_get(&p, NODE_FILE) == nodes[i]);
    pool_free(&p, count_end, &ended);
    CHECK_INT(ended, unused + POOL_SLAB);
}

/* Without memory the quarantine is given up, and only then is there none. */
static void test_no_memory(void)
{
    struct pool p;
    unsigned ended = 0, got = 0;
    pool_init(&p);
    fail_all();
    CHECK(pool_get(&p, NODE_FILE) == NULL);
    fail_none();
    struct node *node = pool_get(&p, NODE_FILE);
    CHECK(node != NULL);
    fail_all();
    while (pool_get(&p, NODE_FILE) != NULL)
        got++;
    CHECK_INT((got + 1) % POOL_SLAB, 0);
    CHECK(got >= POOL_QUARANTINE);
    pool_put(&p, node);
    CHECK(pool_get(&p, NODE_FILE) == node);
    CHECK(pool_get(&p, NODE_FILE) == NULL);
    fail_none();
    pool_free(&p, count_end, &ended);
    CHECK_INT(ended, got + 1);
}

int main(void)
{
    test_quarantine();
    test_the_longest_unused_first();
    test_no_memory();
    return check_report();
}
