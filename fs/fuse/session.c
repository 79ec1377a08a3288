#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "bigdatafs/base/uuid.h"

#include "bigdatafs/connector/name.h"
#include "park.h"

enum { COOKIE_DOT = 1, COOKIE_DOT_DOT = 2 };

struct session *session_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

bool session_is_own(fuse_req_t req)
{
    return fuse_req_ctx(req)->pid == notify_tid(session_of(req)->c.notify);
}

/* Lookup */

static void fill_entry(const struct session *o, struct node *node, struct fuse_entry_param *e)
{
    memset(e, 0, sizeof *e);
    e->ino = nodes_id(o->c.nodes, node);
    nodes_attr(o->c.nodes, node, &e->attr);
    e->attr_timeout = nodes_attr_timeout(o->c.nodes, node);
    e->entry_timeout = nodes_entry_timeout(o->c.nodes, node);
}

static void reply_entry(struct session *o, fuse_req_t req, struct node *node, int err)
{
    if (err < 0) {
        fuse_reply_err(req, -err);
        return;
    }
    struct fuse_entry_param e;
    fill_entry(o, node, &e);
    if (fuse_reply_entry(req, &e) == -ENOENT) /* interrupted: the kernel never had it */
        nodes_forget(o->c.nodes, node, 1);
}

/* Whether the list says what a name means: of connectors alone. What tells about the mount is there
 * also when no list can be had. */
static bool is_of_list(const struct node *dir, const char *name)
{
    return (dir->kind == NODE_ROOT || dir->kind == NODE_ARCHIVED) && uuid_is_valid(name);
}

/* Whether the service is to be asked for the name itself: an id that no list had, or one that lists
 * do not tell of and nobody confirmed for as long as a list lasts. */
static bool should_ask(struct session *o, const struct node *dir, const char *name)
{
    if (!is_of_list(dir, name))
        return false;
    const struct connector *connector = connectors_find(catalogue_connectors(o->c.catalogue), name);
    if (!connector_exists(connector))
        return true;
    return !connector->listed && connector->progress == PROGRESS_IDLE &&
           !catalogue_confirmed(o->c.catalogue, connector);
}

static void resume_lookup(struct parked *p, int err);

/* One try at a lookup: replies and returns true, or has p wait (making it if NULL). */
static void try_lookup(fuse_req_t req, fuse_ino_t parent, const char *name, struct parked *p)
{
    struct session *o = session_of(req);
    struct node *dir = nodes_from_id(o->c.nodes, parent), *node = NULL;
    enum catalogue_use use = CATALOGUE_SERVE;
    int err = 0;
    if (is_of_list(dir, name) && p == NULL)
        use = catalogue_use(o->c.catalogue, &err);
    bool ask = use == CATALOGUE_SERVE && (p == NULL || !p->asked) && should_ask(o, dir, name);
    if (use == CATALOGUE_SERVE && !ask) {
        err = nodes_lookup(o->c.nodes, dir, name, &node);
        reply_entry(o, req, node, err);
    } else if (use == CATALOGUE_FAILED) {
        fuse_reply_err(req, -err);
    } else {
        bool first = p == NULL;
        if (first && (p = park(req, resume_lookup)) == NULL)
            return;
        if (first)
            parked_lock(p, NOTIFY_LISTS, 0);
        p->node = parent;
        memmove(p->name, name, strlen(name) + 1);
        p->asked = ask;
        if (!ask)
            catalogue_wait(o->c.catalogue, &p->waiter);
        if (ask && catalogue_ask(o->c.catalogue, p->name, &p->waiter, &err) != CATALOGUE_ASKED)
            p->resume(p, err);
        else if (first)
            parked_allow_interrupt(p);
        return;
    }
    if (p != NULL)
        parked_end(p);
}

static void resume_lookup(struct parked *p, int err)
{
    struct connector *connector =
        connectors_find(catalogue_connectors(p->session->c.catalogue), p->name);
    bool known = connector_exists(connector);
    if (err < 0 && !(p->asked && known)) {
        fuse_reply_err(p->req, -err);
        parked_end(p);
        return;
    }
    try_lookup(p->req, p->node, p->name, p);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct session *o = session_of(req);
    struct node *node = NULL;
    if (strlen(name) > NAME_MAX_BYTES) {
        fuse_reply_err(req, ENAMETOOLONG);
    } else if (session_is_own(req)) {
        struct node *dir = nodes_from_id(o->c.nodes, parent);
        int err = nodes_lookup_departing(o->c.nodes, dir, name, &node);
        reply_entry(o, req, node, err);
    } else {
        try_lookup(req, parent, name, NULL);
    }
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
    struct session *o = session_of(req);
    o->count--; /* nobody waits for it */
    nodes_forget(o->c.nodes, nodes_from_id(o->c.nodes, ino), lookups);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    struct session *o = session_of(req);
    o->count--;
    for (size_t i = 0; i < count; i++)
        nodes_forget(o->c.nodes, nodes_from_id(o->c.nodes, forgets[i].ino), forgets[i].nlookup);
    fuse_reply_none(req);
}

/* Attributes: from memory always */

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    struct session *o = session_of(req);
    const struct node *node = nodes_from_id(o->c.nodes, ino);
    if (node->kind < NODE_FILE)
        catalogue_touch(o->c.catalogue);
    struct stat st;
    nodes_attr(o->c.nodes, node, &st);
    fuse_reply_attr(req, &st, nodes_attr_timeout(o->c.nodes, node));
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                       struct fuse_file_info *fi)
{
    (void)attr;
    struct session *o = session_of(req);
    const struct node *node = nodes_from_id(o->c.nodes, ino);
    const int harmless = FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
                         FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW | FUSE_SET_ATTR_CTIME;
    /* What a shell does on the way to a write, and touch: nothing is changed by it. */
    bool writable =
        node->kind == NODE_CONTROL || node->kind == NODE_REFRESH || node->kind == NODE_BULK;
    if (writable && (to_set & ~harmless) == 0)
        op_getattr(req, ino, fi);
    else
        fuse_reply_err(req, EPERM);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    (void)ino;
    struct session *o = session_of(req);
    const struct connectors *connectors = catalogue_connectors(o->c.catalogue);
    struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX_BYTES};
    st.f_blocks = (connectors_text_bytes(connectors) + 4095) / 4096;
    st.f_files = connectors_count_in(connectors, PLACE_ACTIVE) +
                 connectors_count_in(connectors, PLACE_ARCHIVED);
    fuse_reply_statfs(req, &st);
}

/* Directories and files */

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    (void)fi;
    fuse_reply_err(req, ENOSYS);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    (void)fi;
    struct nodes *nodes = session_of(req)->c.nodes;
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

struct listing_reply {
    struct session *session;
    fuse_req_t req;
    size_t size, used;
    bool plus;
};

static bool add_child(void *arg, const struct node_child *child)
{
    struct listing_reply *l = arg;
    struct fuse_entry_param e;
    size_t n, room = l->size - l->used;
    char *at = l->session->listing + l->used;
    if (l->plus) {
        if (child->node != NULL)
            fill_entry(l->session, child->node, &e);
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
    char *at = l->session->listing + l->used;
    size_t n = l->plus ? fuse_add_direntry_plus(l->req, at, room, name, &e, cookie)
                       : fuse_add_direntry(l->req, at, room, name, &e.attr, cookie);
    if (n <= room)
        l->used += n;
}

static void reply_listing(struct session *o, fuse_req_t req, fuse_ino_t ino, size_t size,
                          off_t offset, bool plus)
{
    struct listing_reply l = {.session = o, .req = req, .plus = plus};
    l.size = size < sizeof o->listing ? size : sizeof o->listing;
    struct node *dir = nodes_from_id(o->c.nodes, ino);
    uint64_t parent_ino;
    int err = nodes_parent_ino(o->c.nodes, dir, &parent_ino);
    if (err < 0) {
        fuse_reply_err(req, -err);
        return;
    }
    if (offset < COOKIE_DOT)
        add_dot(&l, ".", dir->ino, COOKIE_DOT);
    if (offset < COOKIE_DOT_DOT)
        add_dot(&l, "..", parent_ino, COOKIE_DOT_DOT);
    err = nodes_list(o->c.nodes, dir, (uint64_t)offset, plus, add_child, &l);
    if (err < 0 && l.used == 0)
        fuse_reply_err(req, -err);
    else
        fuse_reply_buf(req, o->listing, l.used);
}

static void resume_listing(struct parked *p, int err)
{
    if (err < 0)
        fuse_reply_err(p->req, -err);
    else
        reply_listing(p->session, p->req, p->node, p->size, p->offset, p->plus);
    parked_end(p);
}

/* Only the start of a listing waits for a newer list: one that goes on is served. */
static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
    struct session *o = session_of(req);
    const struct node *dir = nodes_from_id(o->c.nodes, ino);
    enum catalogue_use use = CATALOGUE_SERVE;
    int err = 0;
    if (offset == 0 && (dir->kind == NODE_ROOT || dir->kind == NODE_ARCHIVED))
        use = catalogue_use(o->c.catalogue, &err);
    if (use == CATALOGUE_FAILED) {
        fuse_reply_err(req, -err);
    } else if (use == CATALOGUE_SERVE) {
        reply_listing(o, req, ino, size, offset, plus);
    } else {
        struct parked *p = park(req, resume_listing);
        if (p == NULL)
            return;
        parked_lock(p, NOTIFY_LISTS, 0);
        p->node = ino;
        p->size = size;
        p->offset = offset;
        p->plus = plus;
        catalogue_wait(o->c.catalogue, &p->waiter);
        parked_allow_interrupt(p);
    }
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, offset, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, offset, true);
}

static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
                    struct fuse_pollhandle *handle)
{
    (void)fi;
    struct session *o = session_of(req);
    struct node *node = nodes_from_id(o->c.nodes, ino);
    if (node->kind == NODE_CONTROL) {
        fuse_reply_poll(req, nodes_poll(o->c.nodes, node, handle));
        return;
    }
    if (handle != NULL)
        fuse_pollhandle_destroy(handle);
    fuse_reply_poll(req, POLLIN | POLLOUT);
}

/* What the tree does not have */

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
    (void)parent, (void)name, (void)mode, (void)dev;
    fuse_reply_err(req, EPERM);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)parent, (void)name, (void)mode;
    fuse_reply_err(req, EPERM);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi)
{
    (void)parent, (void)name, (void)mode, (void)fi;
    fuse_reply_err(req, EPERM);
}

static void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
    (void)link, (void)parent, (void)name;
    fuse_reply_err(req, EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    (void)ino, (void)parent, (void)name;
    fuse_reply_err(req, EPERM);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    struct session *o = userdata;
    /* A truncating open comes as a setattr, which can be refused; splice gains nothing here. */
    conn->want &= ~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_WRITEBACK_CACHE |
                              FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    nodes_can_expire(o->c.nodes, (conn->capable & FUSE_CAP_EXPIRE_ONLY) != 0);
}

static const struct fuse_lowlevel_ops operations = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .statfs = op_statfs,
    .open = op_open,
    .opendir = op_open,
    .read = op_read,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .write = op_write,
    .poll = op_poll,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .rename = op_rename,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .create = op_create,
    .symlink = op_symlink,
    .link = op_link,
};

/* The session */

/* Takes one request, if there is one. */
static bool take_request(void *arg)
{
    struct session *o = arg;
    int n = o->watching ? fuse_session_receive_buf(o->session, &o->buf) : -EAGAIN;
    if (n == -EAGAIN || n == -EINTR)
        return false;
    if (n <= 0) {
        if (n < 0)
            log_error(o->c.log, "the kernel's requests cannot be read: %s", strerror(-n));
        session_stop(o, EIO);
        loop_stop(o->c.loop);
        return false;
    }
    o->count++;
    fuse_session_process_buf(o->session, &o->buf);
    return true;
}

/* More than one that wait are taken by the loop's polling. */
static void on_readable(void *arg, uint32_t events)
{
    (void)events;
    take_request(arg);
}

int session_start(struct session *o)
{
    int fd = fuse_session_fd(o->session);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    o->watch = (struct loop_watch){.fd = fd, .ready = on_readable, .arg = o};
    int err = loop_add(o->c.loop, &o->watch, EPOLLIN);
    o->watching = err == 0;
    if (err == 0)
        loop_set_poll(o->c.loop, take_request, o);
    return err;
}

void session_stop(struct session *o, int err)
{
    if (o->watching) {
        loop_set_poll(o->c.loop, NULL, NULL);
        loop_remove(o->c.loop, &o->watch);
    }
    o->watching = false;
    parked_end_all(o, err);
}

struct fuse_session *session_fuse(struct session *o)
{
    return o->session;
}

uint64_t session_count(const struct session *o)
{
    return o->count;
}

int session_new(const struct session_config *config, struct fuse_args *args, struct session **out)
{
    struct session *o = calloc(1, sizeof *o);
    if (o == NULL)
        return -ENOMEM;
    o->c = *config;
    o->session = fuse_session_new(args, &operations, sizeof operations, o);
    if (o->session == NULL) {
        free(o);
        return -EINVAL;
    }
    *out = o;
    return 0;
}

void session_free(struct session *o)
{
    if (o == NULL)
        return;
    fuse_session_destroy(o->session);
    free(o->buf.mem);
    free(o);
}
