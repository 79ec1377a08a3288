/*
 * A file system that answers at once: libfuse's own multi-threaded loop with nothing behind it.
 *
 * bench_trivial MOUNTPOINT mt|clone_fd|single
 *
 * It has directories 0 to 9 and nothing else: a lookup inside them is ENOENT, and since that is not
 * cached, each one is a request. It stays in the foreground until it is unmounted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bigdatafs/kernel/libfuse.h"

enum { FIRST_DIRECTORY = 2, TIMEOUT = 3600 };

static struct stat trivial_stat(fuse_ino_t ino)
{
    return (struct stat){.st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2};
}

static void trivial_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    if (parent != FUSE_ROOT_ID || name[0] < '0' || name[0] > '9' || name[1]) {
        (void)fuse_reply_err(req, ENOENT);
        return;
    }
    struct fuse_entry_param entry = {.attr_timeout = TIMEOUT, .entry_timeout = TIMEOUT};
    entry.ino = (fuse_ino_t)(FIRST_DIRECTORY + name[0] - '0');
    entry.attr = trivial_stat(entry.ino);
    (void)fuse_reply_entry(req, &entry);
}

static void trivial_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)info;
    struct stat st = trivial_stat(ino);
    (void)fuse_reply_attr(req, &st, TIMEOUT);
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = trivial_lookup,
    .getattr = trivial_getattr,
};

static int trivial_loop(struct fuse_session *session, const char *loop)
{
    if (strcmp(loop, "single") == 0)
        return fuse_session_loop(session);
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (!config)
        return -ENOMEM;
    fuse_loop_cfg_set_clone_fd(config, strcmp(loop, "clone_fd") == 0);
    int err = fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    return err;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench_trivial MOUNTPOINT mt|clone_fd|single\n");
        return 2;
    }
    struct fuse_args arguments = FUSE_ARGS_INIT(1, argv);
    struct fuse_session *session =
        fuse_session_new(&arguments, &operations, sizeof(operations), NULL);
    if (!session)
        return EXIT_FAILURE;
    int err = fuse_session_mount(session, argv[1]);
    if (!err && fuse_set_signal_handlers(session) == 0) {
        err = trivial_loop(session, argv[2]);
        fuse_remove_signal_handlers(session);
    }
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    fuse_opt_free_args(&arguments);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
