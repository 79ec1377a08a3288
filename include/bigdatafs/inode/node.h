/*
 * node: an inode that the kernel knows: which connector, directory or file it shows.
 *
 * A file is immutable: content, size and times of a node never change. A file that changed is a
 * new node under the old name, as after a rename over it; the old one keeps its content until the
 * kernel forgets it. So a reader never meets the bytes of one snapshot with the size of another,
 * the kernel may cache for ever, and a change costs a notification for what changed alone.
 * Directories keep their node, so that a shell can stay in one.
 *
 * Identifiers. None of them can stand for another:
 *
 *   fuse id    what the kernel calls a node in its requests, and we in notifications: 1 for the
 *              root, else the address of the node (id.h). It is good while the kernel has lookups
 *              of the node. After that it comes back as another node's, though not before a
 *              quarantine (pool.h): whatever outlives a node must not keep its fuse id.
 *   st_ino     what users see. It is made of the connector's id, the path and, for a file, the
 *              content, so it is the same after a forget and after a remount. No node can be found
 *              by it: a file that changed there and back has it twice while the old node lives.
 *   connector  whose a node is. A node pins it and can outlive its place at the service: that a
 *              node has a connector does not tell that the connector exists or that the node still
 *              has a name.
 *   entry      which file or directory of one view a node shows: an index into the view's tree,
 *              the same whenever that tree is made again. In the view of another snapshot the index
 *              means something else: view_find_path finds the entry there.
 *   cookie     a place in the listing of one directory, made of a connector's serial or a file's
 *              name. It tells where to go on, even if the child that stood there is gone; it does
 *              not lead to a node.
 */
#ifndef BIGDATAFS_INODE_NODE_H
#define BIGDATAFS_INODE_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct connector;
struct node;

/* As whose everything is shown. */
struct node_options {
    uid_t uid;
    gid_t gid;
    mode_t umask;
};

/* What a write to a node asks for. */
enum node_command {
    NODE_COMMAND_NONE,         /* it cannot be written to */
    NODE_COMMAND_FORCE_DELETE, /* the hard delete of its connector */
    NODE_COMMAND_REFRESH,      /* a new list */
    NODE_COMMAND_BULK,         /* the deletion of many connectors: nodes_bulk tells which */
};
enum node_command node_command(const struct node *node);
bool node_is_writable(const struct node *node);

bool node_is_root(const struct node *node);
bool node_is_archived(const struct node *node); /* the directory .archived */
/* Whether its children are the directories of connectors: the root and .archived. */
bool node_lists_connectors(const struct node *node);
/* Whether it is the directory of a connector, or one below it. */
bool node_is_inside_connector(const struct node *node);
/* Whether it is a directory that the list tells of, so that a look at it is a use of the list:
 * all directories but .bigdatafs. */
bool node_is_of_list(const struct node *node);

uint64_t node_ino(const struct node *node); /* st_ino */
/* Borrowed, pinned by the node; NULL outside connectors. */
struct connector *node_connector(const struct node *node);

#endif
