/* Names that were unlinked in this mount. */
#include "inode_bench.h"

#include <errno.h>

#include "bigdatafs/inode/hide.h"

static void test_hide_and_unhide(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
    struct node *email = look(&b, config, "email");
    CHECK_INT(nodes_hide(b.nodes, dir, "nothing", false), -ENOENT);
    CHECK_INT(nodes_hide(b.nodes, dir, "label", true), -ENOTDIR);
    CHECK_INT(nodes_hide(b.nodes, dir, "config", false), -EISDIR);
    CHECK_INT(nodes_hide(b.nodes, dir, ".force_delete", true), -ENOTDIR);
    CHECK_INT(alive(&b), 3); /* no lookup stays behind */
    CHECK_INT(nodes_hide(b.nodes, config, "email", false), 0);
    CHECK_INT(nodes_hide(b.nodes, config, "email", false), -ENOENT);
    CHECK_INT(nodes_hide(b.nodes, dir, ".force_delete", false), 0);
    CHECK_INT(look_fails(&b, config, "email"), -ENOENT);
    CHECK_INT(look_fails(&b, dir, ".force_delete"), -ENOENT);
    CHECK(reads_as(email, "x@y\n"));                        /* who has it open keeps it */
    CHECK_INT(nodes_hide(b.nodes, dir, "config", true), 0); /* with oauth in it */
    CHECK_INT(look_fails(&b, dir, "config"), -ENOENT);
    CHECK_INT(fake_told_all(b.notify), 0); /* the kernel sees to these names itself */
    nodes_unhide(b.nodes, connector(&b, 0));
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, dir)), 1);
    CHECK_INT(look_fails(&b, dir, ".force_delete"), 0);
    struct node *new_config = look(&b, dir, "config"), *new_email = look(&b, new_config, "email");
    CHECK(new_config != config && new_email != email);
    CHECK(node_ino(new_email) == node_ino(email));
    nodes_unhide(b.nodes, connector(&b, 0)); /* nothing is hidden any more */
    CHECK_INT(fake_told_all(b.notify), 1);
    struct node *const all[] = {new_email, new_config, email, config, dir};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        forget(&b, all[i]);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

/* A list that arrives during rm -r brings back what was hidden. */
static void test_a_list_brings_names_back(void)
{
    struct bench b;
    set_up_with(&b, 2);
    struct node *dir = look(&b, root(&b), id_of(0)), *other = look(&b, root(&b), id_of(1));
    struct node *config = look(&b, dir, "config");
    CHECK_INT(nodes_hide(b.nodes, config, "email", false), 0);
    CHECK_INT(nodes_hide(b.nodes, dir, "label", false), 0);
    CHECK_INT(nodes_hide(b.nodes, other, ".force_delete", false), 0);
    fake_notify_clear(b.notify);
    load(&b, 2, "one"); /* nothing changed */
    CHECK_INT(look_fails(&b, config, "email"), 0);
    CHECK_INT(look_fails(&b, dir, "label"), 0);
    CHECK_INT(look_fails(&b, other, ".force_delete"), 0);
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, config)), 1);
    CHECK_INT(nodes_hide(b.nodes, config, "email", false), 0); /* rm -r goes on */
    CHECK_INT(nodes_hide(b.nodes, dir, "config", true), 0);
    tear_down(&b);
}

/* So does another snapshot of the connector, without a list. */
static void test_a_change_brings_names_back(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT(nodes_hide(b.nodes, dir, "connector.json", false), 0);
    CHECK_INT(nodes_hide(b.nodes, dir, ".force_delete", false), 0);
    learn(&b, rich(0, false, "another"));
    CHECK_INT(look_fails(&b, dir, "connector.json"), 0);
    CHECK_INT(look_fails(&b, dir, ".force_delete"), 0);
    forget(&b, dir);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

/* Without the directory's node nothing is remembered as hidden. */
static void test_forgotten_directories_hide_nothing(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT(nodes_hide(b.nodes, dir, "label", false), 0);
    forget(&b, dir);
    nodes_unhide(b.nodes, connector(&b, 0));
    dir = look(&b, root(&b), id_of(0));
    CHECK_INT(look_fails(&b, dir, "label"), 0);
    tear_down(&b);
}

int main(void)
{
    test_hide_and_unhide();
    test_a_list_brings_names_back();
    test_a_change_brings_names_back();
    test_forgotten_directories_hide_nothing();
    return check_report();
}
