#include "read.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "bigdatafs/inode/attr.h"
#include "bigdatafs/inode/control_file.h"
#include "bigdatafs/inode/id.h"
#include "bigdatafs/inode/list.h"
#include "bigdatafs/inode/node.h"
#include "bigdatafs/inode/prefetch.h"
#include "lookup.h"
#include "park.h"

enum { COOKIE_DOT = 1, COOKIE_DOT_DOT = 2 };

/* Attributes: from memory always */

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    struct context *c = context_of(req);
    const struct node *node = nodes_from_id(c->nodes, ino);
    if (node_is_of_list(node))
        catalogue_touch(c->catalogue);
    struct stat st;
    nodes_attr(c->nodes, node, &st);
    fuse_reply_attr(req, &st, nodes_attr_timeout(c->nodes, node));
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                struct fuse_file_info *fi)
{
    (void)attr;
    struct context *c = context_of(req);
    const struct node *node = nodes_from_id(c->nodes, ino);
    const int harmless = FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
                         FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW | FUSE_SET_ATTR_CTIME;
    /* What a shell does on the way to a write, and touch: nothing is changed by it. */
    if (node_is_writable(node) && (to_set & ~harmless) == 0)
        op_getattr(req, ino, fi);
    else
        fuse_reply_err(req, EPERM);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    (void)ino;
    struct context *c = context_of(req);
    const struct connectors *connectors = catalogue_connectors(c->catalogue);
    struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX_BYTES};
    st.f_blocks = (connectors_text_bytes(connectors) + 4095) / 4096;
    st.f_files = connectors_count_in(connectors, PLACE_ACTIVE) +
                 connectors_count_in(connectors, PLACE_ARCHIVED);
    fuse_reply_statfs(req, &st);
}

/* Directories and files */

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino, (void)fi;
    fuse_reply_err(req, ENOSYS);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    (void)fi;
    struct nodes *nodes = context_of(req)->nodes;
    const struct node *node = nodes_from_id(nodes, ino);
    const char *data;
    size_t len;
    int err = nodes_content(node, &data, &len);
    if (err < 0) {
        fuse_reply_err(req, -err);
        return;
    }
    size_t from = (uint64_t)offset < len ? (size_t)offset : len;
    fuse_reply_buf(req, data + from, size < len - from ? size : len - from);
    nodes_was_read(nodes, node);
}

/* What a listing is asked for with. */
struct listing_reply {
    struct context *context;
    fuse_req_t req;
    size_t size, used;
    bool plus;
};

static bool add_child(void *arg, const struct node_child *child)
{
    struct listing_reply *l = arg;
    struct fuse_entry_param e;
    size_t n, room = l->size - l->used;
    char *at = l->context->listing + l->used;
    if (l->plus) {
        if (child->node != NULL)
            entry_of(l->context, child->node, &e);
        else
            e = (struct fuse_entry_param){.attr = {.st_ino = child->ino, .st_mode = S_IFREG}};
        n = fuse_add_direntry_plus(l->req, at, room, child->name, &e, (off_t)child->cookie);
    } else {
        struct stat st = {.st_ino = child->ino, .st_mode = child->is_dir ? S_IFDIR : S_IFREG};
        n = fuse_add_direntry(l->req, at, room, child->name, &st, (off_t)child->cookie);
    }
    if (n > room)
        return false;
    l->used += n;
    return true;
}

/* "." and "..", which the kernel does not count as lookups. */
static void add_dot(struct listing_reply *l, const char *name, uint64_t ino, off_t cookie)
{
    struct fuse_entry_param e = {.attr = {.st_ino = ino, .st_mode = S_IFDIR}};
    size_t room = l->size - l->used;
    char *at = l->context->listing + l->used;
    size_t n = l->plus ? fuse_add_direntry_plus(l->req, at, room, name, &e, cookie)
                       : fuse_add_direntry(l->req, at, room, name, &e.attr, cookie);
    if (n <= room)
        l->used += n;
}

static void reply_listing(fuse_req_t req, const struct parked_listing *asked)
{
    struct context *c = context_of(req);
    struct listing_reply l = {.context = c, .req = req, .plus = asked->plus};
    l.size = asked->size < sizeof c->listing ? asked->size : sizeof c->listing;
    struct node *dir = nodes_from_id(c->nodes, asked->dir);
    uint64_t parent_ino;
    int err = nodes_parent_ino(c->nodes, dir, &parent_ino);
    if (err < 0) {
        fuse_reply_err(req, -err);
        return;
    }
    if (asked->offset < COOKIE_DOT)
        add_dot(&l, ".", node_ino(dir), COOKIE_DOT);
    if (asked->offset < COOKIE_DOT_DOT)
        add_dot(&l, "..", parent_ino, COOKIE_DOT_DOT);
    struct node_listing listing = {
        .after = (uint64_t)asked->offset, .with_nodes = asked->plus, .child = add_child, .arg = &l};
    err = nodes_list(c->nodes, dir, &listing);
    if (err < 0 && l.used == 0)
        fuse_reply_err(req, -err);
    else
        fuse_reply_buf(req, c->listing, l.used);
}

static void resume_listing(struct parked *p, int err)
{
    if (err < 0) {
        parked_end_with(p, err);
        return;
    }
    reply_listing(p->req, &p->listing);
    parked_end(p);
}

/* Only the start of a listing waits for a newer list: one that goes on is served. */
static void list(fuse_req_t req, const struct parked_listing *asked)
{
    struct context *c = context_of(req);
    const struct node *dir = nodes_from_id(c->nodes, asked->dir);
    enum catalogue_use use = CATALOGUE_SERVE;
    int err = 0;
    if (asked->offset == 0 && node_lists_connectors(dir))
        use = catalogue_use(c->catalogue, &err);
    if (use == CATALOGUE_FAILED) {
        fuse_reply_err(req, -err);
        return;
    }
    if (use == CATALOGUE_SERVE) {
        reply_listing(req, asked);
        return;
    }
    struct parked *p = park(req, PARKED_LISTING, resume_listing);
    if (p == NULL)
        return;
    p->listing = *asked;
    parked_lock(p, NOTIFY_LISTS, 0);
    catalogue_wait(c->catalogue, &p->waiter);
    parked_allow_interrupt(p);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi)
{
    (void)fi;
    list(req, &(struct parked_listing){.dir = ino, .size = size, .offset = offset});
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    (void)fi;
    list(req, &(struct parked_listing){.dir = ino, .size = size, .offset = offset, .plus = true});
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
             struct fuse_pollhandle *handle)
{
    (void)fi;
    struct context *c = context_of(req);
    struct node *node = nodes_from_id(c->nodes, ino);
    if (node_command(node) == NODE_COMMAND_FORCE_DELETE) {
        fuse_reply_poll(req, nodes_poll(c->nodes, node, handle));
        return;
    }
    if (handle != NULL)
        fuse_pollhandle_destroy(handle);
    fuse_reply_poll(req, POLLIN | POLLOUT);
}
