/* Files that are handed to the kernel before it asks. */
#include "bigdatafs/inode/prefetch.h"

#include "bigdatafs/inode/hide.h"
#include "inode_bench.h"

struct known {
    struct node *dir, *label, *archived, *config, *email;
};

static struct known know(struct bench *b)
{
    struct known k;
    k.dir = look(b, root(b), id_of(0));
    k.label = look(b, k.dir, "label");
    k.archived = look(b, k.dir, "archived");
    k.config = look(b, k.dir, "config");
    k.email = look(b, k.config, "email");
    return k;
}

static void forget_known(struct bench *b, const struct known *k)
{
    struct node *const all[] = {k->email, k->config, k->archived, k->label, k->dir};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        forget(b, all[i]);
}

static void test_the_second_read(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    nodes_was_read(b.nodes, k.label);
    CHECK_INT(fake_stores(b.notify), 0);
    nodes_was_read(b.nodes, k.archived);
    CHECK_INT(fake_stores(b.notify), 1);
    CHECK_INT(fake_store_count(b.notify), 1); /* of those that the kernel knows: not what it read */
    const struct notify_file *file = fake_store_file(b.notify, 0);
    CHECK(file->node == id(&b, k.email));
    CHECK_BYTES(file->data, file->size, "x@y\n", 4);
    CHECK_INT(k.email->lookups, 2);
    fake_store_arrives(b.notify);
    CHECK_INT(k.email->lookups, 1);
    nodes_was_read(b.nodes, k.label); /* there is nothing more to send */
    CHECK_INT(fake_stores(b.notify), 0);
    struct node *json = look(&b, k.dir, "connector.json"); /* until it looks further */
    nodes_was_read(b.nodes, k.label);
    CHECK_INT(fake_store_count(b.notify), 1);
    CHECK(fake_store_file(b.notify, 0)->node == id(&b, json));
    fake_store_arrives(b.notify);
    forget(&b, json);
    forget_known(&b, &k);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

static void test_a_new_node_is_empty(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    nodes_was_read(b.nodes, k.label);
    nodes_was_read(b.nodes, k.archived);
    fake_store_arrives(b.notify);
    forget(&b, k.email);
    k.email = look(&b, k.config, "email");
    nodes_was_read(b.nodes, k.label);
    CHECK_INT(fake_store_count(b.notify), 1);
    CHECK(fake_store_file(b.notify, 0)->node == id(&b, k.email));
    fake_store_arrives(b.notify);
    learn(&b, rich(0, false, "another")); /* what was sent stays sent, for nodes that stay */
    struct node *new_label = look(&b, k.dir, "label");
    nodes_was_read(b.nodes, k.archived);
    nodes_was_read(b.nodes, k.archived);
    CHECK_INT(fake_store_count(b.notify), 1);
    CHECK(fake_store_file(b.notify, 0)->node == id(&b, new_label));
    nodes_was_read(b.nodes, k.label); /* one without a name is none of it */
    CHECK_INT(fake_stores(b.notify), 1);
    forget(&b, new_label);
    forget_known(&b, &k);
    CHECK_INT(alive(&b), 1); /* the batch has it */
    fake_store_arrives(b.notify);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

/* The batch keeps bytes and nodes while the view changes, the kernel forgets and the connector
 * goes. */
static void test_a_batch_outlives_its_view(void)
{
    struct bench b;
    char json[256];
    set_up_with(&b, 2);
    b.nodes->trees.bytes_max = 0;
    struct known k = know(&b);
    nodes_was_read(b.nodes, k.label);
    nodes_was_read(b.nodes, k.archived);
    CHECK_INT(fake_store_count(b.notify), 1);
    uint64_t email = id(&b, k.email);
    snprintf(json, sizeof json, "{\"connector_id\":\"%s\",\"archived\":false}", id_of(0));
    learn(&b, json); /* without email */
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, k.config), "email"), 1);
    catalogue_learn_gone(b.catalogue, connector(&b, 0));
    for (unsigned i = 0; i < 4; i++) { /* other trees push it out, if it were not pinned */
        learn(&b, rich(1, false, i % 2 == 0 ? "two" : "three"));
        look_fails(&b, look(&b, root(&b), id_of(1)), "label");
    }
    forget_known(&b, &k);
    const struct notify_file *file = fake_store_file(b.notify, 0);
    CHECK(file->node == email);
    CHECK_BYTES(file->data, file->size, "x@y\n", 4);
    CHECK(nodes_from_id(b.nodes, email)->kind == NODE_FILE);
    CHECK(connector(&b, 0)->pins > 0);
    fake_store_arrives(b.notify);
    CHECK_INT(connector(&b, 0)->pins, 0);
    CHECK_INT(nodes_from_id(b.nodes, email)->kind, NODE_NONE);
    tear_down(&b);
}

/* A file that was unlinked and came back as another node was not read by who reads the old one. */
static void test_a_read_of_an_unlinked_file(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    CHECK_INT(nodes_hide(b.nodes, k.dir, "label", false, 9), 0);
    nodes_unhide(b.nodes, connector(&b, 0));
    struct node *label = look(&b, k.dir, "label");
    nodes_was_read(b.nodes, k.label);
    nodes_was_read(b.nodes, k.archived);
    nodes_was_read(b.nodes, k.email);
    CHECK_INT(fake_store_count(b.notify), 1);
    CHECK(fake_store_file(b.notify, 0)->node == id(&b, label));
    fake_store_arrives(b.notify);
    forget(&b, label);
    forget_known(&b, &k);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

static void test_the_mount_ends_before_it_arrives(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct known k = know(&b);
    nodes_was_read(b.nodes, k.label);
    nodes_was_read(b.nodes, k.archived);
    CHECK_INT(fake_stores(b.notify), 1);
    tear_down(&b);
}

int main(void)
{
    test_the_second_read();
    test_a_new_node_is_empty();
    test_a_batch_outlives_its_view();
    test_a_read_of_an_unlinked_file();
    test_the_mount_ends_before_it_arrives();
    return check_report();
}
