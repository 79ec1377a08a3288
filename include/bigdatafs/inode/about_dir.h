/* about_dir: the control files of .bigdatafs that delete many connectors, one id a line. */
#ifndef BIGDATAFS_INODE_ABOUT_DIR_H
#define BIGDATAFS_INODE_ABOUT_DIR_H

#include "bigdatafs/base/request.h"
#include "bigdatafs/inode/command.h"
#include "bigdatafs/inode/reports.h"

#define NODE_ABOUT_NAME ".bigdatafs"

struct node;
struct nodes;

/* One open of such a file. */
struct bulk_file {
    const char *name;           /* in .bigdatafs */
    enum request_op op;         /* what is done to the connectors */
    struct command_lines lines; /* what was written so far */
    struct requester who;       /* who wrote last */
};

/* Of a node whose node_command is NODE_COMMAND_BULK; borrowed. */
const struct bulk_file *nodes_bulk(const struct node *node);
/* A write to it was taken: lines is what it left. */
void nodes_bulk_written(struct nodes *n, struct node *node, const struct command_lines *lines,
                        const struct requester *who);

void nodes_on_bulk_closed(struct nodes *n, const struct bulk_closed *closed);

/* A write to it begins, or is refused: a line that an earlier one began is this one's now, and none
 * can go on with it unless this one succeeds (command_give_up). */
void nodes_bulk_give_up(struct node *node);
/* Tells the journal of the line that a write ended in, if nothing was sent for it. */
void nodes_bulk_note_unfinished(const struct nodes *n, const struct node *node,
                                const struct command_lines *lines);

#endif
