/*
 * node: the inodes that the kernel knows: which connector, directory or file each one shows, and
 * what becomes of it when the service tells of something newer.
 *
 * A file is immutable: content, size and times of a node never change. A file that changed is a
 * new node under the old name, as after a rename over it; the old one keeps its content until the
 * kernel forgets it. So a reader never meets the bytes of one version with the size of another,
 * the kernel may cache for ever, and a change costs a notification for what changed alone.
 * Directories keep their node, so that a shell can stay in one.
 *
 *   attached   found under its name: by its connector's connector (a directory of the root) or in
 * the nodes[] of the version that it shows detached   its name is gone or means another node; lives
 * while the kernel has lookups of it
 *
 * Invariants: a node but the fixed ones (the root, .archived, .bigdatafs, refresh) has lookups > 0;
 * an attached file or inner directory shows the newest version that its connector's directory
 * shows. Ownership: a node is freed by nodes_forget, with its share of the version. One thread.
 */
#ifndef BIGDATAFS_INODE_NODES_H
#define BIGDATAFS_INODE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/inode/command.h"
#include "bigdatafs/inode/view.h"
#include "bigdatafs/kernel/notify.h"

#define NODE_CONTROL_NAME ".force_delete"
#define NODE_ARCHIVED_NAME ".archived"
#define NODE_ABOUT_NAME ".bigdatafs"
#define NODE_REFRESH_NAME "refresh"
#define NODE_BULK_ARCHIVE_NAME "archive"
#define NODE_BULK_FORCE_DELETE_NAME "force_delete"

enum {
    NODE_LONG_S = 86400, /* kernel time-out of what is invalidated when it changes */
    NODE_POLLS_MAX = 256,
    NODE_REPORT_MAX = 64 << 20, /* bytes of one file of .bigdatafs */
    NODE_FIRST_COOKIE = 16,     /* of the first connector in a listing of the root */
};

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

/* How the name of a connector's directory goes when its connector changes its place. */
enum node_fate {
    FATE_NOTIFY, /* the kernel is told */
    FATE_RMDIR,  /* the kernel waits in rmdir(2) and drops the name itself */
    FATE_MOVE,   /* the kernel waits in rename(2) and moves the node to .archived itself */
};

struct report;

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

struct node_options {
    uid_t uid;
    gid_t gid;
    mode_t umask;
};

struct nodes;
struct fuse_pollhandle;

/* The read-only files of .bigdatafs, each rendered anew when it is looked up. name is called with 0
 * to count - 1; render appends what there is to say, or returns a negative errno. */
struct node_reports {
    uint32_t count;
    const char *(*name)(uint32_t file);
    int (*render)(void *arg, uint32_t file, struct buf *to);
    void *arg;
};

/* What nodes are made from; all borrowed. */
struct nodes_parts {
    struct loop *loop;
    struct log *log;
    struct catalogue *catalogue;
    struct notify *notify;
    struct journal *journal;
};

int nodes_new(const struct nodes_parts *parts, const struct node_options *options,
              struct nodes **out) MUST_CHECK;
/* Until this call .bigdatafs has control files alone. */
void nodes_set_reports(struct nodes *n, const struct node_reports *reports);
void nodes_free(struct nodes *n); /* NULL is fine */

/* Whether the kernel can expire names by notification: then it keeps connectors' names for long,
 * else until the list is due. */
void nodes_can_expire(struct nodes *n, bool can);

/* The kernel's number for a node (fuse_ino_t), and back. */
struct node *nodes_from_id(struct nodes *n, uint64_t id);
uint64_t nodes_id(const struct nodes *n, const struct node *node);

/* One child by name, from memory: *out has one lookup more. -ENOENT, -ENOTDIR, -ENOMEM. */
int nodes_lookup(struct nodes *n, struct node *dir, const char *name, struct node **out) MUST_CHECK;
void nodes_forget(struct nodes *n, struct node *node, uint64_t lookups);

/* Children of dir in a fixed order, from after the cookie on. With with_nodes each is looked up
 * (and counted) as by nodes_lookup before the call. The callback returns false when it has no
 * room: that one lookup is taken back and the listing ends. */
struct node_child {
    const char *name;
    uint64_t cookie; /* of this child: where to go on after it */
    uint64_t ino;
    bool is_dir;
    struct node *node; /* with_nodes; NULL where the node is made by a lookup alone */
};
typedef bool node_child_fn(void *arg, const struct node_child *child);
int nodes_list(struct nodes *n, struct node *dir, uint64_t after, bool with_nodes,
               node_child_fn *child, void *arg) MUST_CHECK;

void nodes_attr(struct nodes *n, const struct node *node, struct stat *st);
/* -ENOMEM. */
int nodes_parent_ino(const struct nodes *n, const struct node *dir, uint64_t *out) MUST_CHECK;
/* How long the kernel may keep the attributes, and the name, in seconds. */
double nodes_attr_timeout(const struct nodes *n, const struct node *node);
double nodes_entry_timeout(const struct nodes *n, const struct node *node);
/* A file's bytes, borrowed until nodes is asked for anything else. -ENOMEM. */
int nodes_content(const struct node *node, const char **data, size_t *size) MUST_CHECK;

/* The kernel was given the node's bytes: it may be given those of its neighbours, too. */
void nodes_was_read(struct nodes *n, const struct node *node);

/* What is held of the trees that files and inner directories are made from. */
const struct trees *nodes_trees(const struct nodes *n);

/* Hides a name inside a connector, in this mount alone, until the next list or nodes_unhide.
 * is_dir: what the caller expects. A directory goes with what is in it: a list that
 * arrives during rm -r brings names back, and must not make it fail. -ENOENT, -ENOTDIR, -EISDIR,
 * -ENOMEM. */
int nodes_hide(struct nodes *n, struct node *dir, const char *name, bool is_dir) MUST_CHECK;
void nodes_unhide(struct nodes *n, struct connector *connector);

/* Someone wrote to the connector's .force_delete: the next open meets a new inode, since the kernel
 * may have kept what was written as the content of the old one. */
void nodes_renew_control(struct nodes *n, struct connector *connector);

/* The name of the bulk control file of an enum request_op. */
const char *node_bulk_name(uint32_t op);
/* A write to a NODE_BULK was taken: lines is what it left. */
void nodes_bulk_written(struct nodes *n, struct node *node, const struct command_lines *lines);

/* What poll(2) on a NODE_CONTROL answers. handle (owned by nodes from here; NULL is fine) is
 * notified when that changes. At most NODE_POLLS_MAX are kept: the oldest wakes early. */
unsigned nodes_poll(struct nodes *n, struct node *control, struct fuse_pollhandle *handle);

/* Sets what happens to the name of the connector's directory, if the kernel knows it. */
void nodes_set_fate(struct connector *connector, enum node_fate fate);
/* A removal from the root fails: the kernel keeps the name, which it forgets after the answer if
 * the connector went elsewhere meanwhile. */
void nodes_not_removed(struct nodes *n, const struct connector *connector);

/* A name of the root or .archived that is going: notify_removed's own requests, and nobody
 * else's, still find it until it is removed. -ENOENT. */
int nodes_lookup_departing(struct nodes *n, struct node *dir, const char *name,
                           struct node **out) MUST_CHECK;
int nodes_remove_departing(struct nodes *n, struct node *dir, const char *name) MUST_CHECK;

#endif
