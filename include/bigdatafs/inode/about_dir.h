/*
 * about_dir: the files of .bigdatafs: control files, and reports that each lookup renders anew.
 */
#ifndef BIGDATAFS_INODE_ABOUT_DIR_H
#define BIGDATAFS_INODE_ABOUT_DIR_H

#define NODE_ABOUT_NAME ".bigdatafs"
#define NODE_REFRESH_NAME "refresh"
#define NODE_BULK_ARCHIVE_NAME "archive"
#define NODE_BULK_FORCE_DELETE_NAME "force_delete"

#include <stdint.h>

struct command_lines;
struct node;
struct nodes;

/* The name of the bulk control file of an enum request_op. */
const char *node_bulk_name(uint32_t op);
/* A write to a NODE_BULK was taken: lines is what it left. */
void nodes_bulk_written(struct nodes *n, struct node *node, const struct command_lines *lines);

#endif
