/* Listings in pieces, with and without lookups, while things change. */
#include "inode_bench.h"

#include <errno.h>

enum { CHILDREN_MAX = 64 };

struct listing {
    unsigned room; /* children that are taken; the next one is refused */
    unsigned count;
    struct {
        char name[64];
        uint64_t cookie, ino;
        bool is_dir;
        struct node *node;
    } children[CHILDREN_MAX];
};

static bool take(void *arg, const struct node_child *child)
{
    struct listing *l = arg;
    if (l->count == l->room)
        return false;
    snprintf(l->children[l->count].name, sizeof l->children[0].name, "%s", child->name);
    l->children[l->count].cookie = child->cookie;
    l->children[l->count].ino = child->ino;
    l->children[l->count].is_dir = child->is_dir;
    l->children[l->count++].node = child->node;
    return true;
}

static struct listing list(struct bench *b, struct node *dir, uint64_t after, bool plus,
                           unsigned room)
{
    struct listing l = {.room = room};
    struct node_listing request = {.after = after, .with_nodes = plus, .child = take, .arg = &l};
    CHECK_INT(nodes_list(b->nodes, dir, &request), 0);
    return l;
}

static int place_in(const struct listing *l, const char *name)
{
    for (unsigned i = 0; i < l->count; i++)
        if (strcmp(l->children[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void forget_listed(struct bench *b, const struct listing *l)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->children[i].node != NULL)
            forget(b, l->children[i].node);
}

static void test_lookups_of_a_listing(void)
{
    struct bench b;
    set_up_with(&b, 3);
    struct listing plain = list(&b, root(&b), 0, false, CHILDREN_MAX);
    CHECK_INT(plain.count, 5);
    CHECK_INT(alive(&b), 0);
    struct listing plus = list(&b, root(&b), 0, true, CHILDREN_MAX);
    CHECK_INT(plus.count, 5);
    CHECK_INT(alive(&b), 3);
    for (unsigned i = 0; i < plus.count; i++) {
        CHECK(plus.children[i].node != NULL && plus.children[i].is_dir);
        CHECK(plus.children[i].ino == plain.children[i].ino);
        CHECK(plus.children[i].ino == node_ino(plus.children[i].node));
        CHECK(look(&b, root(&b), plus.children[i].name) == plus.children[i].node);
        forget(&b, plus.children[i].node);
    }
    struct node *dir = plus.children[4].node;
    CHECK_INT(dir->lookups, 1);
    struct listing cut = list(&b, dir, 0, true, 2); /* .force_delete, a file; one is refused */
    CHECK_INT(cut.count, 2);
    CHECK_STR(cut.children[0].name, ".force_delete");
    CHECK_INT(alive(&b), 3 + 2);
    struct listing none = list(&b, dir, 0, true, 0);
    CHECK_INT(none.count, 0);
    CHECK_INT(cut.children[0].node->lookups, 1);
    CHECK_INT(alive(&b), 3 + 2);
    forget_listed(&b, &cut);
    forget_listed(&b, &plus);
    CHECK_INT(alive(&b), 0);
    struct node_listing request = {.child = take, .arg = &none};
    struct node *label = look(&b, look(&b, root(&b), id_of(0)), "label");
    CHECK_INT(nodes_list(b.nodes, label, &request), -ENOTDIR);
    tear_down(&b);
}

/* All children, a few at a time: the same as in one piece. */
static void check_in_pieces(struct bench *b, struct node *dir)
{
    struct listing whole = list(b, dir, 0, false, CHILDREN_MAX);
    for (unsigned piece = 1; piece <= 3; piece++) {
        uint64_t after = 0;
        unsigned met = 0;
        for (;;) {
            struct listing part = list(b, dir, after, piece % 2 == 0, piece);
            for (unsigned i = 0; i < part.count; i++, met++) {
                CHECK_STR(part.children[i].name, whole.children[met].name);
                CHECK(part.children[i].cookie > after && part.children[i].cookie > 2);
                CHECK(part.children[i].cookie == whole.children[met].cookie);
                CHECK(part.children[i].ino == whole.children[met].ino);
                after = part.children[i].cookie;
            }
            forget_listed(b, &part);
            if (part.count == 0)
                break;
        }
        CHECK_INT(met, whole.count);
    }
}

static void test_in_pieces(void)
{
    struct bench b;
    set_up_with(&b, 5);
    learn(&b, rich(3, true, "one"));
    struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
    check_in_pieces(&b, root(&b));
    check_in_pieces(&b, look(&b, root(&b), ".archived"));
    check_in_pieces(&b, look(&b, root(&b), ".bigdatafs"));
    check_in_pieces(&b, dir);
    check_in_pieces(&b, config);
    forget(&b, config);
    forget(&b, dir);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

/* A listing goes on after a cookie whose connector is gone, neither repeats nor loses one that is
 * there throughout, and ends with those that came. */
static void test_connectors_come_and_go(void)
{
    struct bench b;
    set_up_with(&b, 10);
    struct listing first = list(&b, root(&b), 0, true, 6); /* .archived, .bigdatafs and 0 to 3 */
    CHECK_STR(first.children[5].name, id_of(3));
    uint64_t after = first.children[5].cookie;
    forget_listed(&b, &first);
    catalogue_learn_gone(b.catalogue, connector(&b, 3)); /* where it stands */
    catalogue_learn_gone(b.catalogue, connector(&b, 5)); /* one to come */
    learn(&b, rich(1, true, "one"));                     /* one that was met */
    learn(&b, rich(20, false, "one"));
    connectors_compact(catalogue_connectors(b.catalogue), UINT64_MAX);
    CHECK(connector(&b, 3) == NULL);
    struct listing rest = list(&b, root(&b), after, true, CHILDREN_MAX);
    CHECK_INT(rest.count, 6); /* 4, 6 to 9, 20 */
    CHECK_INT(place_in(&rest, id_of(4)), 0);
    CHECK_INT(place_in(&rest, id_of(5)), -1);
    CHECK_INT(place_in(&rest, id_of(0)), -1);
    CHECK_INT(place_in(&rest, id_of(20)), 5);
    forget_listed(&b, &rest);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

/* So does one of a directory whose connector gets other members. */
static void test_members_come_and_go(void)
{
    struct bench b;
    char json[256];
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0));
    struct listing whole = list(&b, dir, 0, false, CHILDREN_MAX);
    for (unsigned cut = 1; cut < whole.count; cut++) {
        learn(&b, rich(0, false, "one"));
        struct listing first = list(&b, dir, 0, true, cut);
        snprintf(json, sizeof json,
                 "{\"connector_id\":\"%s\",\"archived\":false,\"more\":\"1\",\"label\":\"two\"}",
                 id_of(0));
        learn(&b, json);
        struct listing rest = list(&b, dir, first.children[cut - 1].cookie, true, CHILDREN_MAX);
        static const char *const stay[] = {".force_delete", "connector.json", "archived",
                                           "connector_id", "label"};
        for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
            CHECK((place_in(&first, stay[i]) < 0) != (place_in(&rest, stay[i]) < 0));
        CHECK_INT(place_in(&rest, "config"), -1);
        forget_listed(&b, &first);
        forget_listed(&b, &rest);
    }
    forget(&b, dir);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

static void test_a_directory_without_a_name_is_empty(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0)), *config = look(&b, dir, "config");
    catalogue_learn_gone(b.catalogue, connector(&b, 0));
    CHECK_INT(list(&b, dir, 0, true, CHILDREN_MAX).count, 0);
    CHECK_INT(list(&b, config, 0, true, CHILDREN_MAX).count, 0);
    tear_down(&b);
}

int main(void)
{
    test_lookups_of_a_listing();
    test_in_pieces();
    test_connectors_come_and_go();
    test_members_come_and_go();
    test_a_directory_without_a_name_is_empty();
    return check_report();
}
