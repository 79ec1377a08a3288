/*
 * node_internal: what the files of node share: the table of nodes and the steps that more than one
 * of them takes. For fs/node*.c alone.
 */
#ifndef BIGDATAFS_INODE_NODE_H
#define BIGDATAFS_INODE_NODE_H

#include "bigdatafs/base/uuid.h"
#include "bigdatafs/inode/nodes.h"
#include "pool.h"

enum {
    ARCHIVED_INO = 2,
    ABOUT_INO = 3,
    REFRESH_INO = 4,
    FIRST_BULK_INO = 5,
    FIRST_REPORT_INO = 16,
    BULK_FILES = REQUEST_FORCE_DELETE + 1,
    EXPIRY_PAUSE_MS = 2, /* while the kernel is told of the names that expired */
    BULK_WRITE_SIZE =
        1 << 20, /* st_blksize of the bulk files: cp and cat then write so much at once */
    COOKIE_ARCHIVED = 3,
    COOKIE_ABOUT = 4,
    COOKIE_CONTROL = 3,
};

/* What a NODE_REPORT shows. */
struct report {
    size_t len;
    char *text;
};

struct poll_wait {
    struct fuse_pollhandle *handle;
    struct connector *connector; /* pinned */
};

/* A name of the root or .archived that notify_removed is about to remove. */
struct departing {
    struct departing *next;
    enum place place;
    struct node *node; /* detached; NULL when the kernel did not know it or forgot it */
    char id[UUID_LEN + 1];
};

struct nodes {
    struct loop *loop;
    struct catalogue *catalogue;
    struct notify *notify;
    struct log *log;
    struct node_options options;
    bool can_expire;
    struct pool pool; /* of all but the fixed ones */
    struct trees trees;
    struct journal *journal;
    struct node_reports reports;
    struct node root, archived, about_dir, refresh; /* fixed: never freed */
    struct timespec changed[PLACE_ARCHIVED + 1];    /* when a place last won or lost a connector */
    struct departing *departing;
    bool relisted[PLACE_ARCHIVED + 1]; /* the kernel knows no listing of the place */
    struct loop_timer expiry;
    size_t expired; /* connectors whose names have expired so far */
    struct poll_wait polls[NODE_POLLS_MAX];
    unsigned next_poll;
    bool any_hidden;
    unsigned batches; /* page_cache.c's, on their way to the kernel */
};

struct node *node_place_dir(struct nodes *n, enum place place);
enum place node_dir_place(const struct node *dir);

/* Makes the node if the kernel does not know it yet; lookups is not counted. */
int node_of_connector(struct nodes *n, struct connector *connector, struct node **out) MUST_CHECK;
int node_of_control(struct nodes *n, struct node *dir, struct node **out) MUST_CHECK;
int node_of_entry(struct nodes *n, struct node *dir, uint32_t entry, struct node **out) MUST_CHECK;
/* A detached directory for a name that is departing. */
struct node *node_of_departed(struct nodes *n, struct connector *connector);
/* Gives a connector's directory the version to look inside; opens it, or an inner directory's. */
int node_open_view(struct nodes *n, struct node *dir) MUST_CHECK;
/* What a node shows of an entry of its version, which is open. */
void node_show(struct node *node, struct view *v, uint32_t entry);

/* A new NODE_REPORT with what there is to say now, under no name. */
int node_of_report(struct nodes *n, uint32_t file, struct node **out) MUST_CHECK;

/* Takes the node from its name. */
void node_detach(struct node *node);

/* What a .force_delete reads as. */
const char *node_progress_text(enum progress progress);

/* The kernel's cached listing and attributes of a directory are out of date. */
void node_relist(struct nodes *n, const struct node *dir);
/* Notifies and forgets the polls of a connector; NULL: of all. */
void node_wake_polls(struct nodes *n, const struct connector *connector);

/* catalogue_observer */
void node_on_changed(void *arg, struct connector *connector, enum place was);
void node_on_progress(void *arg, struct connector *connector);
void node_on_refreshed(void *arg);
/* loop_timer: the list that is held has expired. */
void node_on_expiry(void *arg);

#endif
