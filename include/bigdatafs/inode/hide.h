/*
 * hide: names inside a connector that were unlinked in this mount: the service knows nothing of it.
 * They stay hidden while rm -r runs, over lists and newer snapshots too, and come back HIDE_MS
 * after the last of the connector's names was hidden, or by nodes_unhide.
 */
#ifndef BIGDATAFS_INODE_HIDE_H
#define BIGDATAFS_INODE_HIDE_H

#include <stdbool.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"

struct connector;
struct node;
struct nodes;

enum { HIDE_MS = 60000 };

/* is_dir: what the caller expects; by: the process that it is. -ENOENT, -ENOTDIR, -EISDIR, -ENOMEM;
 * -ENOTEMPTY: a directory that still shows a name. */
int nodes_hide(struct nodes *n, struct node *dir, const char *name, bool is_dir,
               pid_t by) MUST_CHECK;
/* Brings back what was hidden in the connector. */
void nodes_unhide(struct nodes *n, struct connector *connector);
/* The process that was the last to hide a name of the connector; 0: none is hidden. */
pid_t nodes_hidden_by(struct nodes *n, const struct connector *connector);
/* Whether the connector's directory still shows a name. */
bool nodes_shows_name(struct nodes *n, const struct connector *connector);

/* For nodes.c: begins with nothing hidden; forgets all that is, without a word to the kernel. */
void hide_init(struct nodes *n);
void hide_end(struct nodes *n);

#endif
