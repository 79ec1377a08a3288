/* Lookups and the forgets that take them back. */
#include "inode_bench.h"

#include <errno.h>

static void test_lookups_balance(void)
{
    struct bench b;
    set_up_with(&b, 2);
    struct node *dir = look(&b, root(&b), id_of(0));
    struct node *again = look(&b, root(&b), id_of(0));
    CHECK(dir == again);
    CHECK_INT(dir->lookups, 2);
    struct node *label = look(&b, dir, "label");
    CHECK_INT(alive(&b), 2);
    CHECK(connector(&b, 0)->pins > 0);
    nodes_forget(b.nodes, label, 1);
    CHECK_INT(alive(&b), 1);
    nodes_forget(b.nodes, dir, 1);
    CHECK_INT(alive(&b), 1);
    CHECK(look(&b, root(&b), id_of(0)) == dir);
    nodes_forget(b.nodes, dir, 2);
    CHECK_INT(alive(&b), 0);
    CHECK_INT(connector(&b, 0)->pins, 0);
    CHECK(connector(&b, 0)->dir == NULL);
    CHECK_INT(nodes_tree_bytes(b.nodes), 0);
    tear_down(&b);
}

static void test_a_directory_is_forgotten_before_its_children(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    struct node *config = look(&b, dir, "config"), *email = look(&b, config, "email");
    struct node *control = look(&b, dir, ".force_delete");
    uint64_t ino = node_ino(email), control_ino = node_ino(control);
    forget(&b, dir);
    CHECK_INT(alive(&b), 3);
    CHECK(reads_as(email, "x@y\n"));
    CHECK(reads_as(control, "idle\n"));
    dir = look(&b, root(&b), id_of(0)); /* another node, with children of its own */
    struct node *new_control = look(&b, dir, ".force_delete");
    CHECK(new_control != control);
    CHECK_INT(node_ino(new_control), control_ino);
    struct node *new_config = look(&b, dir, "config"), *new_email = look(&b, new_config, "email");
    CHECK(new_email != email);
    CHECK(node_ino(new_email) == ino);
    forget(&b, control);
    CHECK(look(&b, dir, ".force_delete") == new_control);
    forget(&b, config);
    forget(&b, email);
    CHECK(look(&b, new_config, "email") == new_email);
    nodes_forget(b.nodes, new_control, 2);
    nodes_forget(b.nodes, new_email, 2);
    forget(&b, dir);
    forget(&b, new_config);
    CHECK_INT(alive(&b), 0);
    CHECK_INT(connector(&b, 0)->pins, 0);
    tear_down(&b);
}

static void test_fixed_nodes_are_never_freed(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *archived = look(&b, root(&b), ".archived");
    struct node *about = look(&b, root(&b), ".bigdatafs"), *refresh = look(&b, about, "refresh");
    nodes_forget(b.nodes, archived, 5);
    nodes_forget(b.nodes, about, 1);
    nodes_forget(b.nodes, refresh, 1);
    nodes_forget(b.nodes, root(&b), 1);
    CHECK_INT(alive(&b), 0);
    CHECK(look(&b, root(&b), ".archived") == archived);
    CHECK(look(&b, about, "refresh") == refresh);
    tear_down(&b);
}

static void test_what_is_not_there(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0)), *label = look(&b, dir, "label");
    CHECK_INT(look_fails(&b, root(&b), id_of(1)), -ENOENT);
    CHECK_INT(look_fails(&b, root(&b), "label"), -ENOENT);
    CHECK_INT(look_fails(&b, dir, "nothing"), -ENOENT);
    CHECK_INT(look_fails(&b, dir, ".archived"), -ENOENT);
    CHECK_INT(look_fails(&b, label, "label"), -ENOTDIR);
    struct node *archived = look(&b, root(&b), ".archived");
    CHECK_INT(look_fails(&b, archived, id_of(0)), -ENOENT);
    CHECK_INT(look_fails(&b, archived, ".archived"), -ENOENT);
    CHECK_INT(look_fails(&b, archived, ".bigdatafs"), -ENOENT);
    CHECK_INT(alive(&b), 2);
    tear_down(&b); /* with two that the kernel did not forget */
}

static void test_questions(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *archived = look(&b, root(&b), ".archived");
    struct node *about = look(&b, root(&b), ".bigdatafs"), *refresh = look(&b, about, "refresh");
    struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
    struct node *label = look(&b, dir, "label"), *control = look(&b, dir, ".force_delete");
    struct node *bulk = look(&b, about, "archive");
    CHECK(node_is_root(root(&b)) && !node_is_root(archived) && node_is_archived(archived));
    CHECK(node_lists_connectors(root(&b)) && node_lists_connectors(archived));
    CHECK(!node_lists_connectors(dir) && !node_lists_connectors(about));
    CHECK(node_is_inside_connector(dir) && node_is_inside_connector(config));
    CHECK(!node_is_inside_connector(label) && !node_is_inside_connector(root(&b)));
    CHECK(node_is_of_list(root(&b)) && node_is_of_list(archived) && node_is_of_list(config));
    CHECK(!node_is_of_list(about) && !node_is_of_list(label) && !node_is_of_list(control));
    CHECK_INT(node_command(control), NODE_COMMAND_FORCE_DELETE);
    CHECK_INT(node_command(refresh), NODE_COMMAND_REFRESH);
    CHECK_INT(node_command(bulk), NODE_COMMAND_BULK);
    CHECK(!node_is_writable(label) && !node_is_writable(dir) && node_is_writable(bulk));
    CHECK(node_connector(label) == connector(&b, 0) && node_connector(about) == NULL);
    tear_down(&b);
}

int main(void)
{
    test_lookups_balance();
    test_a_directory_is_forgotten_before_its_children();
    test_fixed_nodes_are_never_freed();
    test_what_is_not_there();
    test_questions();
    return check_report();
}
