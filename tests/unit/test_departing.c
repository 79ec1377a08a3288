/* Names on their way out after a hard delete, found by the program itself alone. */
#include "inode_bench.h"

#include <errno.h>

#include "bigdatafs/inode/departing.h"

/* The connector's hard delete comes to its end. */
static void end_deletion(struct bench *b, unsigned n)
{
    struct connector *deleted = connector(b, n);
    deleted->pins++;
    catalogue_set_progress(b->catalogue, deleted, PROGRESS_DELETING);
    catalogue_learn_gone(b->catalogue, deleted);
    catalogue_set_progress(b->catalogue, deleted, PROGRESS_IDLE);
    deleted->pins--;
}

static int own_look(struct bench *b, struct node *dir, const char *name, struct node **out)
{
    *out = NULL;
    return nodes_lookup_departing(b->nodes, dir, name, out);
}

static void test_a_known_name(void)
{
    struct bench b;
    struct node *found;
    set_up_with(&b, 2);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT(own_look(&b, root(&b), id_of(0), &found), -ENOENT); /* not while it is there */
    end_deletion(&b, 0);
    CHECK_INT(fake_told_name(b.notify, TOLD_REMOVED, NOTIFY_ROOT_ID, id_of(0)), 1);
    CHECK(fake_told_child(b.notify) == id(&b, dir));
    CHECK_STR(fake_told_path(b.notify), id_of(0));
    CHECK_INT(look_fails(&b, root(&b), id_of(0)), -ENOENT);
    CHECK_INT(own_look(&b, root(&b), id_of(1), &found), -ENOENT);
    struct node *archived;
    CHECK_INT(own_look(&b, root(&b), ".archived", &archived), 0);
    CHECK_INT(own_look(&b, archived, id_of(0), &found), -ENOENT);
    CHECK_INT(own_look(&b, root(&b), ".bigdatafs", &found), -ENOENT);
    CHECK_INT(own_look(&b, root(&b), id_of(0), &found), 0);
    CHECK(found == dir);
    CHECK_INT(dir->lookups, 2);
    CHECK_INT(nodes_remove_departing(b.nodes, archived, id_of(0)), -ENOENT);
    CHECK_INT(nodes_remove_departing(b.nodes, root(&b), id_of(0)), 0);
    CHECK_INT(nodes_remove_departing(b.nodes, root(&b), id_of(0)), -ENOENT);
    CHECK_INT(own_look(&b, root(&b), id_of(0), &found), -ENOENT);
    nodes_forget(b.nodes, dir, 2);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

static void test_the_kernel_forgets_meanwhile(void)
{
    struct bench b;
    struct node *found;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    uint64_t ino = node_ino(dir);
    end_deletion(&b, 0);
    forget(&b, dir);
    CHECK_INT(alive(&b), 0);
    CHECK_INT(own_look(&b, root(&b), id_of(0), &found), 0);
    CHECK(node_ino(found) == ino);
    CHECK_INT(attr(&b, found).st_nlink, 0);
    CHECK_INT(look_fails(&b, found, "label"), -ENOENT);
    forget(&b, found);
    CHECK_INT(alive(&b), 0);
    CHECK_INT(own_look(&b, root(&b), id_of(0), &found), 0); /* once more */
    CHECK_INT(nodes_remove_departing(b.nodes, root(&b), id_of(0)), 0);
    forget(&b, found);
    CHECK_INT(connector(&b, 0)->pins, 0);
    tear_down(&b);
}

static void test_one_that_the_kernel_never_knew(void)
{
    struct bench b;
    struct node *found;
    set_up_with(&b, 1);
    learn(&b, rich(0, true, "one"));
    fake_notify_clear(b.notify);
    end_deletion(&b, 0);
    struct node *archived = look(&b, root(&b), ".archived");
    CHECK_INT(fake_told_name(b.notify, TOLD_REMOVED, id(&b, archived), id_of(0)), 1);
    CHECK_INT(fake_told_child(b.notify), 0);
    char path[64];
    snprintf(path, sizeof path, ".archived/%s", id_of(0));
    CHECK_STR(fake_told_path(b.notify), path);
    CHECK_INT(own_look(&b, archived, id_of(0), &found), 0);
    forget(&b, found);
    connectors_compact(catalogue_connectors(b.catalogue), UINT64_MAX);
    CHECK(connector(&b, 0) == NULL);
    CHECK_INT(own_look(&b, archived, id_of(0), &found), -ENOENT); /* nothing is left to show */
    tear_down(&b);                                                /* while it departs */
}

/* The id is used again before the old name has departed. */
static void test_it_comes_back(void)
{
    struct bench b;
    struct node *found;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    end_deletion(&b, 0);
    learn(&b, rich(0, false, "two"));
    struct node *new_dir = look(&b, root(&b), id_of(0));
    CHECK(new_dir != dir);
    CHECK_INT(own_look(&b, root(&b), id_of(0), &found), 0);
    CHECK(found == dir);
    forget(&b, found);
    forget(&b, dir);
    CHECK(look(&b, root(&b), id_of(0)) == new_dir);
    CHECK_INT(nodes_remove_departing(b.nodes, root(&b), id_of(0)), 0);
    CHECK(look(&b, root(&b), id_of(0)) == new_dir);
    nodes_forget(b.nodes, new_dir, 3);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

int main(void)
{
    test_a_known_name();
    test_the_kernel_forgets_meanwhile();
    test_one_that_the_kernel_never_knew();
    test_it_comes_back();
    return check_report();
}
