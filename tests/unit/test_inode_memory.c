/* Each allocation of a step fails once: nothing is left half done, and the step succeeds after it.
 */
#include "failing.h"
#include "inode_bench.h"

#include <errno.h>

#include "bigdatafs/inode/departing.h"
#include "bigdatafs/inode/prefetch.h"

enum { STEPS_MAX = 100 };

static void test_lookup(void)
{
    for (unsigned step = 0, failed = 1; failed && step < STEPS_MAX; step++) {
        struct bench b;
        struct node *dir, *label = NULL;
        set_up_with(&b, 1);
        fail_one(step);
        int err = nodes_lookup(b.nodes, root(&b), id_of(0), &dir);
        if (err == 0) {
            err = nodes_lookup(b.nodes, dir, "label", &label);
            if (err < 0)
                CHECK(alive(&b) == 1 && dir->lookups == 1);
            forget(&b, dir);
        }
        failed = has_failed();
        fail_none();
        CHECK(err == 0 || err == -ENOMEM);
        CHECK(failed || step > 2);
        if (err == 0) {
            CHECK(reads_as(label, "one\n"));
            forget(&b, label);
        }
        CHECK_INT(alive(&b), 0);
        CHECK_INT(connector(&b, 0)->pins, 0);
        CHECK_INT(nodes_tree_bytes(b.nodes), 0);
        tear_down(&b);
    }
}

/* A tree cannot be made for the new snapshot, or again for the old one: no file is better than an
 * old one under its name. */
static void test_change(void)
{
    unsigned lost = 0;
    for (unsigned step = 0, failed = 1; failed && step < STEPS_MAX; step++) {
        struct bench b;
        set_up_with(&b, 3);
        b.nodes->trees.bytes_max = 0;
        struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
        struct node *email = look(&b, config, "email"), *label = look(&b, dir, "label");
        struct snapshot *snapshot;
        for (unsigned i = 1; i < 3; i++) /* so that the tree is made again */
            look_fails(&b, look(&b, root(&b), id_of(i)), "label");
        const char *json = rich(0, false, "another");
        CHECK_INT(snapshot_parse(json, strlen(json), &snapshot), 0);
        fail_one(step);
        CHECK_INT(catalogue_learn(b.catalogue, snapshot, NULL), 0);
        failed = has_failed();
        fail_none();
        snapshot_unref(snapshot);
        lost += email->attached ? 0 : 1;
        CHECK(!label->attached);
        CHECK(reads_as(label, "one\n") && reads_as(email, "x@y\n"));
        struct node *new_label = look(&b, dir, "label");
        CHECK(reads_as(new_label, "another\n"));
        struct node *new_config = look(&b, dir, "config"), *same = look(&b, new_config, "email");
        CHECK(node_ino(same) == node_ino(email) && (same == email) == email->attached);
        tear_down(&b);
    }
    CHECK(lost > 2);
}

static void test_departing(void)
{
    struct bench b;
    struct node *found;
    set_up_with(&b, 2);
    struct node *dir = look(&b, root(&b), id_of(0));
    for (unsigned n = 0; n < 2; n++) {
        connector(&b, n)->pins++;
        catalogue_set_progress(b.catalogue, connector(&b, n), PROGRESS_DELETING);
    }
    fail_all();
    catalogue_learn_gone(b.catalogue, connector(&b, 0)); /* the kernel is told all the same */
    fail_none();
    CHECK_INT(fake_told_name(b.notify, TOLD_DELETED, NOTIFY_ROOT_ID, id_of(0)), 1);
    CHECK_INT(fake_told(b.notify, TOLD_REMOVED), 0);
    CHECK_INT(nodes_lookup_departing(b.nodes, root(&b), id_of(0), &found), -ENOENT);
    forget(&b, dir);
    catalogue_learn_gone(b.catalogue, connector(&b, 1));
    CHECK_INT(nodes_lookup_departing(b.nodes, root(&b), id_of(1), &found), 0);
    forget(&b, found);
    for (unsigned n = 0; n < 2; n++) {
        catalogue_set_progress(b.catalogue, connector(&b, n), PROGRESS_IDLE);
        connector(&b, n)->pins--;
    }
    tear_down(&b);
}

static void test_bulk_files_and_prefetch(void)
{
    struct bench b;
    struct node *bulk;
    set_up_with(&b, 1);
    struct node *about = look(&b, root(&b), ".bigdatafs"), *dir = look(&b, root(&b), id_of(0));
    struct node *label = look(&b, dir, "label"), *json = look(&b, dir, "connector.json");
    fail_one(0);
    CHECK_INT(nodes_lookup(b.nodes, about, "archive", &bulk), -ENOMEM);
    CHECK_INT(alive(&b), 3);
    fail_all();
    nodes_was_read(b.nodes, label);
    nodes_was_read(b.nodes, label);
    fail_none();
    CHECK_INT(fake_stores(b.notify), 0);
    nodes_was_read(b.nodes, label); /* with memory it is tried again */
    CHECK_INT(fake_stores(b.notify), 1);
    CHECK_INT(json->lookups, 2);
    fake_store_arrives(b.notify);
    tear_down(&b);
}

static bool accept(void *arg, const struct node_child *child)
{
    unsigned *count = arg;
    (void)child;
    (*count)++;
    return true;
}

/* The pool is empty in the middle of a listing: what was handed over keeps its lookup. */
static void test_list(void)
{
    enum { MANY = 4 * POOL_SLAB };
    struct bench b;
    unsigned count = 0;
    set_up(&b);
    for (unsigned n = 0; n < MANY; n++)
        learn(&b, rich(n, false, "one"));
    forget(&b, look(&b, root(&b), id_of(0))); /* some slabs */
    struct node_listing request = {.with_nodes = true, .child = accept, .arg = &count};
    fail_all();
    CHECK_INT(nodes_list(b.nodes, root(&b), &request), -ENOMEM);
    fail_none();
    CHECK_INT((count - 2) % POOL_SLAB, 0); /* but for .archived and .bigdatafs */
    CHECK(count > 2 && count < MANY);
    for (unsigned n = 0; n < count - 2; n++)
        forget(&b, connector(&b, n)->dir);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

int main(void)
{
    test_lookup();
    test_change();
    test_departing();
    test_bulk_files_and_prefetch();
    test_list();
    return check_report();
}
