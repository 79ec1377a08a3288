/* .force_delete: what it reads as, and who polls it. */
#include "bigdatafs/inode/control_file.h"

#include <poll.h>

#include "inode_bench.h"

static void set_progress(struct bench *b, unsigned n, enum progress progress)
{
    catalogue_set_progress(b->catalogue, connector(b, n), progress);
}

static void test_it_reads_as_the_progress(void)
{
    struct bench b;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0)), *idle = look(&b, dir, ".force_delete");
    CHECK(reads_as(idle, "idle\n"));
    CHECK_INT(attr(&b, idle).st_mode, S_IFREG | 0600);
    set_progress(&b, 0, PROGRESS_UNDER_WAY); /* still reads the same: the node stays */
    CHECK_INT(fake_told_all(b.notify), 0);
    set_progress(&b, 0, PROGRESS_DELETING);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, dir), ".force_delete"), 1);
    struct node *deleting = look(&b, dir, ".force_delete");
    CHECK(deleting != idle && reads_as(deleting, "deleting\n") && reads_as(idle, "idle\n"));
    CHECK_INT(attr(&b, idle).st_size, 5);
    CHECK_INT(attr(&b, deleting).st_size, 9);
    set_progress(&b, 0, PROGRESS_STALLED);
    struct node *stalled = look(&b, dir, ".force_delete");
    CHECK(reads_as(stalled, "stalled\n"));
    nodes_renew_control(b.nodes, connector(&b, 0)); /* after a write that failed */
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, dir), ".force_delete"), 3);
    struct node *renewed = look(&b, dir, ".force_delete");
    CHECK(renewed != stalled && reads_as(renewed, "stalled\n"));
    set_progress(&b, 0, PROGRESS_IDLE);
    nodes_renew_control(b.nodes, connector(&b, 0)); /* the kernel knows none */
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, dir), ".force_delete"), 4);
    struct node *const all[] = {idle, deleting, stalled, renewed, dir};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        forget(&b, all[i]);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

static void test_polls_are_woken(void)
{
    struct bench b;
    unsigned woken = 0, other = 0;
    set_up_with(&b, 2);
    struct node *dir = look(&b, root(&b), id_of(0)), *control = look(&b, dir, ".force_delete");
    struct node *dir1 = look(&b, root(&b), id_of(1)), *control1 = look(&b, dir1, ".force_delete");
    unsigned pins = connector(&b, 0)->pins;
    CHECK_INT(nodes_poll(b.nodes, control, fake_pollhandle(&woken)), POLLIN | POLLOUT);
    CHECK_INT(nodes_poll(b.nodes, control1, fake_pollhandle(&other)), POLLIN | POLLOUT);
    CHECK_INT(connector(&b, 0)->pins, pins + 1);
    connector(&b, 0)->pins++; /* the deletion's */
    set_progress(&b, 0, PROGRESS_DELETING);
    CHECK_INT(woken, 1);
    CHECK_INT(other, 0);
    CHECK_INT(nodes_poll(b.nodes, control, NULL), 0);
    CHECK_INT(nodes_poll(b.nodes, control, fake_pollhandle(&woken)), 0);
    catalogue_learn_gone(b.catalogue, connector(&b, 0));
    CHECK_INT(woken, 2);
    CHECK_INT(other, 0);
    CHECK_INT(nodes_poll(b.nodes, control, NULL), POLLIN | POLLPRI | POLLERR | POLLHUP);
    set_progress(&b, 0, PROGRESS_IDLE);
    CHECK_INT(woken, 2); /* once each */
    connector(&b, 0)->pins--;
    CHECK_INT(connector(&b, 0)->pins, pins);
    tear_down(&b); /* with one that waits */
    CHECK_INT(other, 1);
}

static void test_too_many_polls(void)
{
    struct bench b;
    unsigned first = 0, woken = 0;
    set_up_with(&b, 1);
    struct node *dir = look(&b, root(&b), id_of(0)), *control = look(&b, dir, ".force_delete");
    unsigned pins = connector(&b, 0)->pins;
    nodes_poll(b.nodes, control, fake_pollhandle(&first));
    for (unsigned i = 1; i < NODE_POLLS_MAX; i++)
        nodes_poll(b.nodes, control, fake_pollhandle(&woken));
    CHECK_INT(first + woken, 0);
    nodes_poll(b.nodes, control, fake_pollhandle(&woken));
    CHECK_INT(first, 1); /* the oldest wakes early */
    CHECK_INT(woken, 0);
    CHECK_INT(connector(&b, 0)->pins, pins + NODE_POLLS_MAX);
    learn(&b, rich(0, true, "one"));
    CHECK_INT(woken, NODE_POLLS_MAX);
    CHECK_INT(connector(&b, 0)->pins, pins);
    tear_down(&b);
}

int main(void)
{
    test_it_reads_as_the_progress();
    test_polls_are_woken();
    test_too_many_polls();
    return check_report();
}
