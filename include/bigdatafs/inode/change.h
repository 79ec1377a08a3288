/*
 * change: what becomes of nodes when a connector has another snapshot or another place.
 *
 * Another snapshot: what is the same in both, and every directory, keeps its node and moves to the
 * new view; every other node loses its name, and the kernel is told of each.
 * Another place: the directory goes where its fate says, and unless the kernel moves it all nodes
 * of the connector lose their names. Those that are open keep what they show until the kernel
 * forgets them.
 */
#ifndef BIGDATAFS_INODE_CHANGE_H
#define BIGDATAFS_INODE_CHANGE_H

struct connector;
struct nodes;

/* How the name of a connector's directory goes when its connector changes its place. */
enum node_fate {
    FATE_NOTIFY, /* the kernel is told */
    FATE_RMDIR,  /* the kernel waits in rmdir(2) and drops the name itself if it succeeds */
    FATE_MOVE,   /* the kernel waits in rename(2) and moves the node to .archived itself */
};

/* Sets the fate of the connector's directory, if the kernel knows it. */
void nodes_set_fate(struct connector *connector, enum node_fate fate);
/* An rmdir or rename of a name of the root fails. The kernel, which keeps the name then, forgets it
 * after the answer if the connector went elsewhere meanwhile. */
void nodes_not_removed(struct nodes *n, const struct connector *connector);

#endif
