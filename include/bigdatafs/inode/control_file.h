/* control_file: a connector's .force_delete: what it reads as, and who polls it. */
#ifndef BIGDATAFS_INODE_CONTROL_FILE_H
#define BIGDATAFS_INODE_CONTROL_FILE_H

struct connector;
struct fuse_pollhandle;
struct node;
struct nodes;

/* Gives the connector's .force_delete a new node: what the kernel holds of a write that failed, or
 * came through a shared mapping, is not what it reads as. */
void nodes_renew_control(struct nodes *n, struct connector *connector);

/* What poll(2) on a .force_delete answers. handle (taken; NULL is fine) is notified when that
 * changes. At most 256 are kept: the oldest wakes early. */
unsigned nodes_poll(struct nodes *n, struct node *control, struct fuse_pollhandle *handle);

#endif
