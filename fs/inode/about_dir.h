/*
 * .bigdatafs: control files, each in the table of about_dir.c, and behind them the reports that a
 * higher folder renders (reports.h). A lookup of a report or bulk file makes a new node each time.
 */
#ifndef BIGDATAFS_INODE_ABOUT_FILES_H
#define BIGDATAFS_INODE_ABOUT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/inode/about_dir.h"

/* What a report said when it was looked up. */
struct report {
    size_t len;
    char *text;
};

/* One file of .bigdatafs. */
struct about_file {
    const char *name;
    uint64_t ino;
    struct node *node; /* the one node that it always has; NULL: a lookup makes one */
};

/* The files are numbered from 0 to about_dir_count - 1, in the order in which they are listed. */
uint32_t about_dir_count(const struct nodes *n);
struct about_file about_dir_file(struct nodes *n, uint32_t number);

/* The node of the file with this name; lookups is not counted. -ENOENT, -ENOMEM, or what the
 * report's render met. */
int about_dir_find(struct nodes *n, const char *name, struct node **out) MUST_CHECK;
/* Frees what a node of .bigdatafs has. What was begun in a bulk file and cannot be gone on with
 * goes into the journal. */
void about_dir_end(const struct nodes *n, struct node *node);

#endif
