#include "bigdatafs/fuse/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bigdatafs/inode/nodes.h"
#include "lookup.h"
#include "park.h"
#include "read.h"
#include "remove.h"
#include "words.h"
#include "write.h"

struct session {
    struct context context; /* what the operations find as the request's user data */
    struct fuse_session *fuse;
    struct fuse_buf buf;
    struct loop_watch watch;
    bool watching;
    uint64_t taken; /* requests, those that want no answer too */
};

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
    struct context *c = userdata;
    /* A truncating open comes as a setattr, which can be refused; splice gains nothing here. */
    libfuse_do_not_want(conn, FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_WRITEBACK_CACHE |
                                  FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                                  FUSE_CAP_SPLICE_MOVE | LIBFUSE_CAP_OVER_IO_URING);
    nodes_can_expire(c->nodes, (conn->capable & FUSE_CAP_EXPIRE_ONLY) != 0);
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

/* Takes one request, if there is one. */
static bool take_request(void *arg)
{
    struct session *s = arg;
    int n = s->watching ? fuse_session_receive_buf(s->fuse, &s->buf) : -EAGAIN;
    if (n == -EAGAIN || n == -EINTR)
        return false;
    if (n <= 0) {
        if (n < 0)
            log_error(s->context.log, "the kernel's requests cannot be read: %s", strerror(-n));
        session_stop(s, -EIO);
        loop_stop(s->context.loop);
        return false;
    }
    s->taken++;
    fuse_session_process_buf(s->fuse, &s->buf);
    return true;
}

/* More than one that wait are taken by the loop's polling. */
static void on_readable(void *arg, uint32_t events)
{
    (void)events;
    take_request(arg);
}

int session_start(struct session *s)
{
    struct loop *loop = s->context.loop;
    int fd = fuse_session_fd(s->fuse);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    s->watch = (struct loop_watch){.fd = fd, .ready = on_readable, .arg = s};
    int err = loop_add(loop, &s->watch, EPOLLIN);
    s->watching = err == 0;
    if (err == 0)
        loop_set_poll(loop, take_request, s);
    return err;
}

void session_stop(struct session *s, int err)
{
    if (s->watching) {
        loop_set_poll(s->context.loop, NULL, NULL);
        loop_remove(s->context.loop, &s->watch);
    }
    s->watching = false;
    parked_end_all(&s->context, err);
}

struct fuse_session *session_fuse(struct session *s)
{
    return s->fuse;
}

uint64_t session_count(const struct session *s)
{
    return s->taken - s->context.unanswered;
}

int session_new(const struct session_parts *parts, struct fuse_args *args, struct session **out)
{
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    struct context *c = &s->context;
    c->loop = parts->loop;
    c->log = parts->log;
    c->catalogue = parts->catalogue;
    c->nodes = parts->nodes;
    c->deletions = parts->deletions;
    c->bulks = parts->bulks;
    c->journal = parts->journal;
    c->notify = parts->notify;
    c->confirm_id = parts->confirm_id;
    c->rmdir_emptied = parts->rmdir_emptied;
    TAILQ_INIT(&c->parked);
    int err = words_new(c->loop, &c->words);
    if (err == 0) {
        s->fuse = fuse_session_new(args, &operations, sizeof operations, c);
        err = s->fuse == NULL ? -EINVAL : 0;
    }
    if (err < 0) {
        words_free(c->words);
        free(s);
        return err;
    }
    write_init(c);
    *out = s;
    return 0;
}

void session_free(struct session *s)
{
    if (s == NULL)
        return;
    fuse_session_destroy(s->fuse);
    words_free(s->context.words);
    free(s->buf.mem);
    free(s);
}
