/* What becomes of nodes when their connector has another snapshot or place. */
#include "inode_bench.h"

#include <errno.h>

#include "bigdatafs/inode/change.h"

/* Connector 0 as the kernel knows it: a lookup of each. */
struct known {
    struct node *dir, *label, *config, *email, *oauth, *scope, *control;
};

static struct known know(struct bench *b)
{
    struct known k;
    k.dir = look(b, root(b), id_of(0));
    k.label = look(b, k.dir, "label");
    k.config = look(b, k.dir, "config");
    k.email = look(b, k.config, "email");
    k.oauth = look(b, k.config, "oauth");
    k.scope = look(b, k.oauth, "scope");
    k.control = look(b, k.dir, ".force_delete");
    return k;
}

static void forget_all(struct bench *b, struct known *k)
{
    struct node *const nodes[] = {k->scope, k->oauth,   k->email, k->config,
                                  k->label, k->control, k->dir};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
        forget(b, nodes[i]);
    CHECK_INT(alive(b), 0);
    CHECK_INT(connector(b, 0)->pins, 0);
}

static void test_a_file_that_changed_is_a_new_node(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    uint64_t ino = node_ino(k.label);
    learn(&b, rich(0, false, "another"));
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.dir), "label"), 1);
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, k.dir)), 1);
    CHECK(reads_as(k.label, "one\n"));
    CHECK_INT(attr(&b, k.label).st_size, 4);
    struct node *new_label = look(&b, k.dir, "label");
    CHECK(new_label != k.label && reads_as(new_label, "another\n"));
    CHECK_INT(attr(&b, new_label).st_size, 8);
    CHECK(node_ino(new_label) != ino && node_ino(k.label) == ino);
    /* There and back again: the number is the old one's, the node is not. */
    learn(&b, rich(0, false, "one"));
    struct node *third = look(&b, k.dir, "label");
    CHECK(third != k.label && node_ino(third) == ino);
    CHECK(reads_as(new_label, "another\n"));
    forget(&b, new_label);
    forget(&b, third);
    forget_all(&b, &k);
    tear_down(&b);
}

static void test_what_did_not_change_keeps_its_node(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    uint64_t ino = node_ino(k.scope);
    learn(&b, rich(0, false, "another"));
    CHECK(look(&b, root(&b), id_of(0)) == k.dir);
    CHECK(look(&b, k.dir, "config") == k.config);
    CHECK(look(&b, k.config, "email") == k.email);
    CHECK(look(&b, k.oauth, "scope") == k.scope);
    CHECK(look(&b, k.dir, ".force_delete") == k.control);
    CHECK(node_ino(k.scope) == ino && reads_as(k.scope, "all\n"));
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.config), "email"), 0);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.oauth), "scope"), 0);
    CHECK_INT(fake_told(b.notify, TOLD_NAME), 1); /* the label's */
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, k.oauth)), 1);
    CHECK_INT(fake_told(b.notify, TOLD_DELETED), 0);
    struct node *const again[] = {k.dir, k.config, k.email, k.scope, k.control};
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++)
        forget(&b, again[i]);
    forget_all(&b, &k);
    tear_down(&b);
}

static void test_a_directory_that_is_gone(void)
{
    struct bench b;
    char json[256];
    set_up_with(&b, 1);
    struct known k = know(&b);
    snprintf(json, sizeof json,
             "{\"connector_id\":\"%s\",\"archived\":false,\"label\":\"one\",\"config\":\"a file\","
             "\"updated_at\":\"2026-02-11T11:01:09Z\"}",
             id_of(0));
    learn(&b, json);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.dir), "config"), 1);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.config), "oauth"), 1);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.oauth), "scope"), 1);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.dir), "label"), 0);
    CHECK_INT(look_fails(&b, k.config, "email"), -ENOENT);
    CHECK_INT(attr(&b, k.config).st_nlink, 0);
    CHECK_INT(attr(&b, k.dir).st_nlink, 2);
    CHECK(reads_as(k.scope, "all\n"));
    forget_all(&b, &k);
    tear_down(&b);
}

static void check_all_detached(struct bench *b, const struct known *k)
{
    CHECK(connector(b, 0)->dir == NULL);
    CHECK_INT(look_fails(b, k->dir, "label"), -ENOENT);
    CHECK_INT(look_fails(b, k->dir, ".force_delete"), -ENOENT);
    CHECK_INT(look_fails(b, k->config, "email"), -ENOENT);
    CHECK(reads_as(k->scope, "all\n") && reads_as(k->label, "one\n"));
    CHECK_INT(fake_told_name(b->notify, TOLD_NAME, id(b, k->dir), "label"), 1);
    CHECK_INT(fake_told_name(b->notify, TOLD_NAME, id(b, k->oauth), "scope"), 1);
    CHECK_INT(fake_told_name(b->notify, TOLD_NAME, id(b, k->dir), ".force_delete"), 1);
}

static void test_archived_by_rmdir(void)
{
    struct bench b;
    set_up_with(&b, 2);
    struct known k = know(&b);
    nodes_set_fate(connector(&b, 0), FATE_RMDIR);
    learn(&b, rich(0, true, "one"));
    check_all_detached(&b, &k);
    CHECK_INT(fake_told(b.notify, TOLD_DELETED) + fake_told(b.notify, TOLD_REMOVED), 0);
    CHECK_INT(look_fails(&b, root(&b), id_of(0)), -ENOENT);
    struct node *archived = look(&b, root(&b), ".archived");
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, NOTIFY_ROOT_ID), 1);
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, archived)), 1);
    struct node *there = look(&b, archived, id_of(0));
    CHECK(there != k.dir && node_ino(there) == node_ino(k.dir));
    forget(&b, there);
    forget_all(&b, &k);
    tear_down(&b);
}

static void test_archived_by_mv(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    struct node *archived = look(&b, root(&b), ".archived");
    uint64_t parent = 0;
    CHECK_INT(nodes_parent_ino(b.nodes, k.dir, &parent), 0);
    CHECK_INT(parent, NOTIFY_ROOT_ID);
    nodes_set_fate(connector(&b, 0), FATE_MOVE);
    learn(&b, rich(0, true, "one"));
    CHECK(look(&b, archived, id_of(0)) == k.dir);
    CHECK(look(&b, k.dir, "label") == k.label);
    CHECK(look(&b, k.dir, ".force_delete") == k.control);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.dir), "label"), 0);
    CHECK_INT(fake_told(b.notify, TOLD_DELETED) + fake_told(b.notify, TOLD_REMOVED), 0);
    CHECK_INT(nodes_parent_ino(b.nodes, k.dir, &parent), 0);
    CHECK_INT(parent, node_ino(archived));
    CHECK_INT(nodes_parent_ino(b.nodes, k.oauth, &parent), 0);
    CHECK_INT(parent, node_ino(k.config));
    forget(&b, k.dir);
    forget(&b, k.label);
    forget(&b, k.control);
    forget_all(&b, &k);
    tear_down(&b);
}

/* mv waits, and the connector is gone instead of archived. */
static void test_gone_during_mv(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    nodes_set_fate(connector(&b, 0), FATE_MOVE);
    catalogue_learn_gone(b.catalogue, connector(&b, 0));
    check_all_detached(&b, &k);
    CHECK_INT(fake_told_name(b.notify, TOLD_DELETED, NOTIFY_ROOT_ID, id_of(0)), 1);
    nodes_not_removed(b.nodes, connector(&b, 0));
    CHECK_INT(fake_told_name(b.notify, TOLD_DELETED, NOTIFY_ROOT_ID, id_of(0)), 2);
    forget_all(&b, &k);
    tear_down(&b);
}

static void test_archived_elsewhere(void)
{
    struct bench b;
    set_up_with(&b, 2);
    struct known k = know(&b);
    nodes_set_fate(connector(&b, 0), FATE_RMDIR);
    nodes_set_fate(connector(&b, 0), FATE_NOTIFY); /* the rmdir was given up */
    nodes_not_removed(b.nodes, connector(&b, 0));
    CHECK_INT(fake_told(b.notify, TOLD_DELETED), 0); /* it is still there */
    learn(&b, rich(0, true, "one"));
    check_all_detached(&b, &k);
    CHECK_INT(fake_told_name(b.notify, TOLD_DELETED, NOTIFY_ROOT_ID, id_of(0)), 1);
    CHECK(fake_told_child(b.notify) == id(&b, k.dir));
    learn(&b, rich(1, true, "one")); /* one that the kernel does not know */
    CHECK_INT(fake_told(b.notify, TOLD_DELETED), 1);
    forget_all(&b, &k);
    tear_down(&b);
}

/* Nodes outlive their connector, and even its tombstone must stay as long. */
static void test_detached_after_the_connector_is_gone(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    catalogue_learn_gone(b.catalogue, connector(&b, 0));
    check_all_detached(&b, &k);
    connectors_compact(catalogue_connectors(b.catalogue), UINT64_MAX);
    CHECK(connector(&b, 0) != NULL);
    struct stat st = attr(&b, k.dir);
    CHECK_INT(st.st_nlink, 0);
    CHECK_INT(st.st_mtim.tv_sec, 0);
    CHECK_INT(attr(&b, k.label).st_size, 4);
    CHECK_INT(attr(&b, k.control).st_mtim.tv_sec, 0);
    CHECK(reads_as(k.control, "idle\n"));
    forget_all(&b, &k);
    connectors_compact(catalogue_connectors(b.catalogue), UINT64_MAX);
    CHECK(connector(&b, 0) == NULL);
    tear_down(&b);
}

/* Its time changed, and so every file; directories keep their nodes and get the new time. */
static void test_another_time(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    const char *json = rich(0, false, "one");
    char later[512];
    snprintf(later, sizeof later, "%s", json);
    *strstr(later, "2026") = '3';
    learn(&b, later);
    CHECK(k.dir->attached && k.config->attached && k.oauth->attached && k.control->attached);
    CHECK(!k.label->attached && !k.email->attached && !k.scope->attached);
    struct node *label = look(&b, k.dir, "label");
    CHECK(attr(&b, label).st_mtim.tv_sec > attr(&b, k.label).st_mtim.tv_sec);
    CHECK(attr(&b, k.oauth).st_mtim.tv_sec == attr(&b, label).st_mtim.tv_sec);
    forget(&b, label);
    forget_all(&b, &k);
    tear_down(&b);
}

static bool stop(void *arg, const struct node_child *child)
{
    (void)arg, (void)child;
    return false;
}

/* A place that loses many connectors is told of once, until the kernel asks again. */
static void test_a_listing_is_invalidated_once(void)
{
    struct bench b;
    set_up_with(&b, 4);
    learn(&b, rich(0, true, "one"));
    learn(&b, rich(1, true, "one"));
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, NOTIFY_ROOT_ID), 1);
    attr(&b, root(&b));
    learn(&b, rich(2, true, "one"));
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, NOTIFY_ROOT_ID), 2);
    struct node_listing rest = {.after = 100, .child = stop};
    CHECK_INT(nodes_list(b.nodes, root(&b), &rest), 0);
    learn(&b, rich(3, true, "one"));
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, NOTIFY_ROOT_ID), 3);
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, look(&b, root(&b), ".archived"))), 1);
    tear_down(&b);
}

/* Trees are dropped for want of room and made again: nobody can tell. */
static void test_trees_made_again(void)
{
    enum { MANY = 8 };
    struct bench b;
    struct node *labels[MANY], *dirs[MANY];
    uint64_t inos[MANY];
    set_up_with(&b, MANY);
    b.nodes->trees.bytes_max = 0;
    for (unsigned i = 0; i < MANY; i++) {
        dirs[i] = look(&b, root(&b), id_of(i));
        labels[i] = look(&b, dirs[i], "label");
        inos[i] = node_ino(labels[i]);
    }
    CHECK_INT(nodes_trees_made(b.nodes), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK(reads_as(labels[i], "one\n"));
        CHECK(look(&b, dirs[i], "label") == labels[i]);
        nodes_forget(b.nodes, labels[i], 2);
        labels[i] = look(&b, dirs[i], "label");
        CHECK(node_ino(labels[i]) == inos[i]);
    }
    CHECK_INT(nodes_trees_made(b.nodes), 2 * MANY);
    load(&b, MANY, "another"); /* the names that are retired come from trees made again */
    for (unsigned i = 0; i < MANY; i++)
        CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, dirs[i]), "label"), 1);
    tear_down(&b);
}

int main(void)
{
    test_a_file_that_changed_is_a_new_node();
    test_what_did_not_change_keeps_its_node();
    test_a_directory_that_is_gone();
    test_archived_by_rmdir();
    test_archived_by_mv();
    test_gone_during_mv();
    test_archived_elsewhere();
    test_detached_after_the_connector_is_gone();
    test_another_time();
    test_a_listing_is_invalidated_once();
    test_trees_made_again();
    return check_report();
}
