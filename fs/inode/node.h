/*
 * What a node is made of, and the steps of its life that need no other node. A node but the fixed
 * ones is made by node_new (life.h) and ends in nodes_forget:
 *
 *   state     what is true                                         ended by         next
 *   unused    the kind is NODE_NONE; only pool.c knows it          node_new         attached
 *   attached  found under its name: the directory of a connector   node_detach      detached
 *             by connector->dir, its .force_delete by the          the last forget  unused
 *             directory's control, what is inside by the nodes[]
 *             of the view that it shows
 *   detached  its name is gone or means another node; what it      the last forget  unused
 *             shows is kept
 *   fixed     the root, .archived, .bigdatafs and refresh: always  nothing
 *             attached, in struct nodes, lookups are not counted
 *
 * Reports and bulk files are born attached, though their names lead to a new node each time. While
 * the kernel, a batch on its way to the kernel or a caller has it, lookups > 0; a node that was
 * just made gets its first lookup before anything else happens.
 */
#ifndef BIGDATAFS_INODE_NODE_STRUCT_H
#define BIGDATAFS_INODE_NODE_STRUCT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/node.h"

enum node_kind {
    NODE_NONE, /* unused */
    NODE_ROOT,
    NODE_ARCHIVED,  /* .archived */
    NODE_CONNECTOR, /* the directory of a connector */
    NODE_DIR,       /* a directory inside it */
    NODE_FILE,      /* a file inside it */
    NODE_CONTROL,   /* its .force_delete */
    NODE_ABOUT,     /* .bigdatafs */
    NODE_REPORT,    /* a read-only file in it: rendered anew for each lookup */
    NODE_REFRESH,   /* its control file that fetches a list */
    NODE_BULK,      /* its control files for many connectors: each open has a node of its own */
};

struct bulk_file;
struct report;
struct view;

/* What attributes need of an entry, so that they need no tree. */
struct shown {
    uint32_t size;    /* of a file, in bytes */
    uint16_t subdirs; /* of a directory */
    bool synced;      /* its time is that of the last sync */
};

/* There are millions: one for each file that the kernel has looked up. */
struct node {
    uint8_t kind; /* enum node_kind */
    bool attached;
    bool control_hidden; /* NODE_CONNECTOR: its .force_delete was unlinked in this mount */
    uint8_t fate;        /* NODE_CONNECTOR: enum node_fate of change.h */
    uint32_t entry;      /* NODE_DIR, NODE_FILE: in the tree of view; NODE_CONNECTOR: 0, its top */
    uint64_t lookups;
    uint64_t ino;                /* st_ino */
    struct connector *connector; /* pinned; NULL outside connectors */
    struct view *view; /* NODE_DIR, NODE_FILE: what it shows, with a reference; NODE_CONNECTOR: the
                          same, NULL until someone looks inside */
    union {
        struct node *control;      /* NODE_CONNECTOR: the node of its .force_delete, or NULL */
        struct shown shown;        /* NODE_DIR, NODE_FILE */
        enum progress reads_as;    /* NODE_CONTROL */
        struct report *report;     /* NODE_REPORT: owned */
        struct bulk_file *bulk;    /* NODE_BULK: owned */
        STAILQ_ENTRY(node) unused; /* NODE_NONE: pool.c's list */
    };
};
_Static_assert(sizeof(struct node) == 48, "a node stays small");

bool node_is_dir(const struct node *node);
bool node_is_fixed(const struct node *node);

/* The node shows this entry of the view, which is open: it takes a reference. */
void node_show(struct node *node, struct view *v, uint32_t entry);
/* Takes the node from its name. */
void node_detach(struct node *node);
/* Which connectors a directory lists: the root or .archived. */
enum place node_dir_place(const struct node *dir);

#endif
