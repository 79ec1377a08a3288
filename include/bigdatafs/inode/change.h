/*
 * change: what becomes of nodes when a connector has another snapshot or another place. What is the
 * same in both snapshots keeps its node; every other node loses its name, and the kernel is told.
 */
#ifndef BIGDATAFS_INODE_CHANGE_H
#define BIGDATAFS_INODE_CHANGE_H

struct connector;
struct nodes;

/* How the name of a connector's directory goes when its connector changes its place. */
enum node_fate {
    FATE_NOTIFY, /* the kernel is told */
    FATE_RMDIR,  /* the kernel waits in rmdir(2) and drops the name itself */
    FATE_MOVE,   /* the kernel waits in rename(2) and moves the node to .archived itself */
};

/* Sets what happens to the name of the connector's directory, if the kernel knows it. */
void nodes_set_fate(struct connector *connector, enum node_fate fate);
/* A removal from the root fails: the kernel keeps the name, which it forgets after the answer if
 * the connector went elsewhere meanwhile. */
void nodes_not_removed(struct nodes *n, const struct connector *connector);

#endif
