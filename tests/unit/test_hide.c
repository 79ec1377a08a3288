/* Names that were unlinked in this mount. */
#include "inode_bench.h"

#include <errno.h>

#include "bigdatafs/inode/change.h"
#include "bigdatafs/inode/hide.h"

static void test_hide_and_unhide(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
    struct node *email = look(&b, config, "email");
    CHECK_INT(nodes_hide(b.nodes, dir, "nothing", false, 9), -ENOENT);
    CHECK_INT(nodes_hide(b.nodes, dir, "label", true, 9), -ENOTDIR);
    CHECK_INT(nodes_hide(b.nodes, dir, "config", false, 9), -EISDIR);
    CHECK_INT(nodes_hide(b.nodes, dir, ".force_delete", true, 9), -ENOTDIR);
    CHECK_INT(alive(&b), 3); /* no lookup stays behind */
    CHECK_INT(nodes_hide(b.nodes, config, "email", false, 9), 0);
    CHECK_INT(nodes_hide(b.nodes, config, "email", false, 9), -ENOENT);
    CHECK_INT(nodes_hide(b.nodes, dir, ".force_delete", false, 9), 0);
    CHECK_INT(look_fails(&b, config, "email"), -ENOENT);
    CHECK_INT(look_fails(&b, dir, ".force_delete"), -ENOENT);
    CHECK(reads_as(email, "x@y\n")); /* who has it open keeps it */
    CHECK_INT(nodes_hide(b.nodes, dir, "config", true, 9), -ENOTEMPTY); /* oauth is in it */
    CHECK_INT(look_fails(&b, dir, "config"), 0);
    CHECK_INT(fake_told_all(b.notify), 0); /* the kernel sees to these names itself */
    nodes_unhide(b.nodes, connector(&b, 0));
    CHECK_INT(fake_told_inode(b.notify, TOLD_DATA, id(&b, dir)), 1);
    CHECK_INT(look_fails(&b, dir, ".force_delete"), 0);
    struct node *same_config = look(&b, dir, "config"), *new_email = look(&b, config, "email");
    CHECK(same_config == config && new_email != email);
    CHECK(node_ino(new_email) == node_ino(email));
    nodes_unhide(b.nodes, connector(&b, 0)); /* nothing is hidden any more */
    CHECK_INT(fake_told_all(b.notify), 2);   /* both directories, once */
    struct node *const all[] = {new_email, same_config, email, config, dir};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        forget(&b, all[i]);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

/* rm -r goes on while lists and newer snapshots arrive; a minute after its last unlink it is over.
 */
static void test_names_stay_hidden_for_a_minute(void)
{
    struct bench b;
    set_up_with(&b, 2);
    struct node *dir = look(&b, root(&b), id_of(0)), *other = look(&b, root(&b), id_of(1));
    struct node *config = look(&b, dir, "config");
    CHECK_INT(nodes_hide(b.nodes, config, "email", false, 9), 0);
    CHECK_INT(nodes_hide(b.nodes, other, ".force_delete", false, 9), 0);
    fake_loop_advance(b.loop, HIDE_MS - 1);
    CHECK_INT(nodes_hide(b.nodes, dir, "label", false, 9), 0); /* the minute begins anew */
    load(&b, 2, "one");                                        /* nothing changed */
    load(&b, 2, "two");                                        /* the label did */
    learn(&b, rich(0, false, "three"));
    CHECK_INT(look_fails(&b, config, "email"), -ENOENT);
    CHECK_INT(look_fails(&b, dir, "label"), -ENOENT);
    CHECK_INT(look_fails(&b, other, ".force_delete"), -ENOENT);
    CHECK_INT(look_fails(&b, dir, "connector.json"), 0);
    fake_notify_clear(b.notify);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(look_fails(&b, other, ".force_delete"), 0);
    CHECK_INT(look_fails(&b, dir, "label"), -ENOENT);
    fake_loop_advance(b.loop, HIDE_MS - 2);
    CHECK_INT(look_fails(&b, dir, "label"), -ENOENT);
    fake_loop_advance(b.loop, 1);
    CHECK_INT(look_fails(&b, config, "email"), 0);
    CHECK_INT(look_fails(&b, dir, "label"), 0);
    CHECK(fake_told_inode(b.notify, TOLD_DATA, id(&b, config)) >= 1);
    CHECK_INT(connector(&b, 0)->pins, 2); /* those of its two nodes alone */
    tear_down(&b);
}

static void test_who_hid_the_last_name_is_known(void)
{
    struct bench b;
    set_up_with(&b, 2);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT(nodes_hidden_by(b.nodes, connector(&b, 0)), 0);
    CHECK_INT(nodes_hide(b.nodes, dir, "label", false, 9), 0);
    CHECK_INT(nodes_hidden_by(b.nodes, connector(&b, 0)), 9);
    CHECK_INT(nodes_hide(b.nodes, dir, "archived", false, 10), 0);
    CHECK_INT(nodes_hidden_by(b.nodes, connector(&b, 0)), 10);
    CHECK_INT(nodes_hidden_by(b.nodes, connector(&b, 1)), 0);
    nodes_unhide(b.nodes, connector(&b, 0));
    CHECK_INT(nodes_hidden_by(b.nodes, connector(&b, 0)), 0);
    tear_down(&b);
}

/* A name that a newer snapshot adds is shown. */
static void test_a_new_name_is_shown(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT(nodes_hide(b.nodes, dir, "label", false, 9), 0);
    char json[512];
    snprintf(json, sizeof json,
             "{\"connector_id\":\"%s\",\"archived\":false,\"label\":\"x\",\"new\":1}", id_of(0));
    learn(&b, json);
    CHECK_INT(look_fails(&b, dir, "new"), 0);
    CHECK_INT(look_fails(&b, dir, "label"), -ENOENT);
    tear_down(&b);
}

/* A connector is empty when all of its names are hidden, and no sooner. */
static void test_empty_is_what_shows_no_name(void)
{
    static const char *const files[] = {"connector.json", "archived", "connector_id", "label",
                                        "updated_at"};
    struct bench b;
    set_up_with(&b, 1);
    CHECK(nodes_shows_name(b.nodes, connector(&b, 0))); /* nobody has looked */
    struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
    struct node *oauth = look(&b, config, "oauth");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        CHECK_INT(nodes_hide(b.nodes, dir, files[i], false, 9), 0);
    CHECK(nodes_shows_name(b.nodes, connector(&b, 0)));
    CHECK_INT(nodes_hide(b.nodes, oauth, "scope", false, 9), 0);
    CHECK_INT(nodes_hide(b.nodes, config, "oauth", true, 9), 0);
    CHECK_INT(nodes_hide(b.nodes, dir, "config", true, 9), -ENOTEMPTY);
    CHECK_INT(nodes_hide(b.nodes, config, "email", false, 9), 0);
    CHECK_INT(nodes_hide(b.nodes, dir, "config", true, 9), 0);
    CHECK(nodes_shows_name(b.nodes, connector(&b, 0))); /* .force_delete is left */
    CHECK_INT(nodes_hide(b.nodes, dir, ".force_delete", false, 9), 0);
    CHECK(!nodes_shows_name(b.nodes, connector(&b, 0)));
    load(&b, 1, "other");
    CHECK(!nodes_shows_name(b.nodes, connector(&b, 0)));
    nodes_unhide(b.nodes, connector(&b, 0));
    CHECK(nodes_shows_name(b.nodes, connector(&b, 0)));
    tear_down(&b);
}

/* In .archived everything is shown again. */
static void test_a_move_shows_names_again(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT(nodes_hide(b.nodes, dir, "label", false, 9), 0);
    CHECK_INT(nodes_hide(b.nodes, dir, ".force_delete", false, 9), 0);
    nodes_set_fate(connector(&b, 0), FATE_MOVE);
    learn(&b, rich(0, true, "one"));
    CHECK_INT(look_fails(&b, dir, "label"), 0);
    CHECK_INT(look_fails(&b, dir, ".force_delete"), 0);
    tear_down(&b);
}

/* Without the directory's node nothing is remembered as hidden. */
static void test_forgotten_directories_hide_nothing(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    CHECK_INT(nodes_hide(b.nodes, dir, "label", false, 9), 0);
    forget(&b, dir);
    nodes_unhide(b.nodes, connector(&b, 0));
    dir = look(&b, root(&b), id_of(0));
    CHECK_INT(look_fails(&b, dir, "label"), 0);
    tear_down(&b);
}

int main(void)
{
    test_hide_and_unhide();
    test_names_stay_hidden_for_a_minute();
    test_who_hid_the_last_name_is_known();
    test_a_new_name_is_shown();
    test_empty_is_what_shows_no_name();
    test_a_move_shows_names_again();
    test_forgotten_directories_hide_nothing();
    return check_report();
}
