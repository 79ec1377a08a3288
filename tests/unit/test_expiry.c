/* The list expires: the kernel is told in slices, and no faster than it listens. */
#include "inode_bench.h"

static void know_all(struct bench *b, struct node **dirs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        dirs[i] = look(b, root(b), id_of(i));
}

static void test_what_expires(void)
{
    struct bench b;
    set_up_with(&b, 3);
    nodes_can_expire(b.nodes, true);
    struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
    struct node *label = look(&b, dir, "label");
    CHECK_INT((int)nodes_entry_timeout(b.nodes, dir), NODE_LONG_S);
    CHECK_INT((int)nodes_attr_timeout(b.nodes, config), NODE_LONG_S);
    CHECK_INT((int)nodes_attr_timeout(b.nodes, root(&b)), TTL_MS / 1000 * 3 / 4);
    fake_loop_advance(b.loop, TTL_MS - 1);
    CHECK_INT(fake_told_all(b.notify), 0);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, NOTIFY_ROOT_ID), 1);
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, &b.nodes->archived)), 1);
    CHECK_INT(fake_told_name(b.notify, TOLD_EXPIRE, NOTIFY_ROOT_ID, id_of(0)), 1);
    CHECK_INT(fake_told_inode(b.notify, TOLD_INODE, id(&b, dir)), 1);
    CHECK_INT(fake_told_inode(b.notify, TOLD_INODE, id(&b, config)), 1);
    CHECK_INT(fake_told_inode(b.notify, TOLD_INODE, id(&b, label)), 0);
    CHECK_INT(fake_told_all(b.notify), 5);
    CHECK_INT((int)nodes_entry_timeout(b.nodes, dir), 0);
    CHECK_INT((int)nodes_attr_timeout(b.nodes, config), 0);
    CHECK_INT((int)nodes_attr_timeout(b.nodes, label), NODE_LONG_S);
    fake_loop_advance(b.loop, 10 * TTL_MS); /* once */
    CHECK_INT(fake_told_all(b.notify), 5);
    tear_down(&b);
}

static void test_a_kernel_that_cannot_expire(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT((int)nodes_entry_timeout(b.nodes, dir), TTL_MS / 1000 * 3 / 4);
    fake_loop_advance(b.loop, TTL_MS);
    CHECK_INT(fake_told(b.notify, TOLD_EXPIRE), 0);
    CHECK_INT(fake_told_inode(b.notify, TOLD_INODE, id(&b, dir)), 1);
    tear_down(&b);
}

static void test_a_full_notifier(void)
{
    enum { MANY = 20 };
    struct bench b;
    struct node *dirs[MANY];
    set_up_with(&b, MANY);
    nodes_can_expire(b.nodes, true);
    know_all(&b, dirs, MANY);
    fake_notify_set_full(b.notify, true);
    fake_loop_advance(b.loop, TTL_MS + 1000);
    CHECK_INT(fake_told_all(b.notify), 0); /* not even of the listings */
    fake_notify_full_after(b.notify, 6);
    fake_loop_advance(b.loop, 1000);
    CHECK_INT(fake_told_all(b.notify), 6); /* two listings, two connectors */
    fake_notify_set_full(b.notify, false);
    fake_loop_advance(b.loop, 1000);
    for (unsigned i = 0; i < MANY; i++)
        CHECK_INT(fake_told_name(b.notify, TOLD_EXPIRE, NOTIFY_ROOT_ID, id_of(i)), 1);
    CHECK_INT(fake_told_all(b.notify), 2 + 2 * MANY);
    tear_down(&b);
}

static void test_in_slices(void)
{
    enum { MANY = 20 };
    struct bench b;
    struct node *dirs[MANY];
    set_up_with(&b, MANY);
    nodes_can_expire(b.nodes, true);
    know_all(&b, dirs, MANY);
    fake_loop_set_yield(b.loop, true);
    fake_loop_advance(b.loop, TTL_MS);
    CHECK_INT(fake_told_all(b.notify), 0);
    fake_loop_set_yield(b.loop, false);
    catalogue_learn_gone(b.catalogue, connector(&b, 4)); /* between two slices */
    fake_notify_clear(b.notify);
    fake_loop_advance(b.loop, 1000);
    CHECK_INT(fake_told(b.notify, TOLD_EXPIRE), MANY - 1);
    CHECK_INT(fake_told_name(b.notify, TOLD_EXPIRE, NOTIFY_ROOT_ID, id_of(4)), 0);
    tear_down(&b);
}

/* A list that comes in the middle ends it; the next expiry begins anew. */
static void test_a_list_ends_it(void)
{
    enum { MANY = 20 };
    struct bench b;
    struct node *dirs[MANY];
    set_up_with(&b, MANY);
    nodes_can_expire(b.nodes, true);
    know_all(&b, dirs, MANY);
    fake_notify_full_after(b.notify, 6);
    fake_loop_advance(b.loop, TTL_MS + 1000);
    CHECK_INT(fake_told(b.notify, TOLD_EXPIRE), 2);
    load(&b, MANY, "one");
    fake_notify_set_full(b.notify, false);
    fake_notify_clear(b.notify);
    fake_loop_advance(b.loop, TTL_MS - 2000);
    CHECK_INT(fake_told_all(b.notify), 0);
    CHECK_INT((int)nodes_entry_timeout(b.nodes, dirs[0]), NODE_LONG_S);
    fake_loop_advance(b.loop, 2000);
    CHECK_INT(fake_told(b.notify, TOLD_EXPIRE), MANY);
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, NOTIFY_ROOT_ID), 1);
    tear_down(&b);
}

int main(void)
{
    test_what_expires();
    test_a_kernel_that_cannot_expire();
    test_a_full_notifier();
    test_in_slices();
    test_a_list_ends_it();
    return check_report();
}
