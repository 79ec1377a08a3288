/*
 * node: an inode that the kernel knows: which connector, directory or file it shows.
 *
 * A file is immutable: content, size and times of a node never change. A file that changed is a
 * new node under the old name, as after a rename over it; the old one keeps its content until the
 * kernel forgets it. So a reader never meets the bytes of one snapshot with the size of another,
 * the kernel may cache for ever, and a change costs a notification for what changed alone.
 * Directories keep their node, so that a shell can stay in one.
 */
#ifndef BIGDATAFS_INODE_NODE_H
#define BIGDATAFS_INODE_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum node_kind {
    NODE_NONE, /* not in use: pool.c's */
    NODE_ROOT,
    NODE_ARCHIVED,  /* .archived */
    NODE_CONNECTOR, /* the directory of a connector */
    NODE_DIR,       /* a directory inside it */
    NODE_FILE,      /* a file inside it */
    NODE_CONTROL,   /* its .force_delete */
    NODE_ABOUT,     /* .bigdatafs */
    NODE_REPORT,    /* a read-only file in it: rendered anew for each lookup */
    NODE_REFRESH,   /* its control file */
    NODE_BULK,      /* archive and force_delete in it: each open has one of its own */
};

/* As whose everything is shown. */
struct node_options {
    uid_t uid;
    gid_t gid;
    mode_t umask;
};

struct connector;
struct command_lines;
struct report;
struct view;

/* Small: there is one for each file that the kernel has looked up. */
struct node {
    uint8_t kind; /* enum node_kind */
    bool attached;
    bool control_hidden; /* NODE_CONNECTOR: its .force_delete was unlinked */
    uint8_t state;       /* NODE_CONNECTOR: enum node_fate; NODE_CONTROL: what it reads as */
    uint32_t entry;      /* NODE_DIR, NODE_FILE: in version->tree; NODE_REPORT: enum about_file;
                            NODE_BULK: enum request_op */
    uint64_t lookups;    /* the kernel's, and page_cache.c's */
    uint64_t ino;        /* st_ino */
    struct connector *connector; /* pinned; NULL outside connectors */
    struct view *view;           /* NODE_CONNECTOR: NULL until someone looks inside */
    union {
        struct node *control;        /* NODE_CONNECTOR: that of .force_delete, or NULL */
        struct report *report;       /* NODE_REPORT */
        struct command_lines *lines; /* NODE_BULK: what was written so far */
        struct node *next_free;      /* NODE_NONE */
        struct {
            uint32_t size;    /* NODE_FILE */
            uint16_t subdirs; /* NODE_DIR */
            bool synced;
        } shown; /* NODE_DIR, NODE_FILE: of the entry, so that attributes need no tree */
    };
};

#endif
