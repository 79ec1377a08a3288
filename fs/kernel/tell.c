#include "tell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bigdatafs/kernel/libfuse.h"

_Static_assert(TELL_ROOT_ID == FUSE_ROOT_ID, "the root has the number that libfuse gives it");

static bool is_ours(const struct tell_mount *mount, int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == mount->device;
}

/* A directory of the root, entered without leaving the mount. Kernels before 5.6, and sandboxes
 * that forbid what they do not know, have no openat2: then is_ours alone tells another mount. */
static int open_below(int root, const char *name)
{
    const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                                 .resolve =
                                     RESOLVE_NO_XDEV | RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int fd = (int)syscall(SYS_openat2, root, name, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd;
    return openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool remove_at(const struct tell_mount *mount, int dir, const char *name)
{
    return is_ours(mount, dir) && unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

/* Removes a directory of the root, or one of a directory of the root, through the mount itself.
 * What was mounted over the mount point or over that directory since may be another service's,
 * where the removal would be a deletion that nobody asked for: then nothing is done. Nor is
 * anything done to what is below the directory. */
static bool remove_through_mount(const struct tell_mount *mount, const char *path)
{
    const char *slash = strchr(path, '/');
    char parent[NAME_MAX + 1];
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    if (len >= sizeof parent || (slash != NULL && strchr(slash + 1, '/') != NULL))
        return false;
    int root = open(mount->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool removed = false;
    if (is_ours(mount, root) && slash != NULL) {
        memcpy(parent, path, len);
        parent[len] = '\0';
        int dir = open_below(root, parent);
        removed = remove_at(mount, dir, slash + 1);
        if (dir >= 0)
            close(dir);
    } else {
        removed = remove_at(mount, root, path);
    }
    if (root >= 0)
        close(root);
    return removed;
}

static void invalidate_name(struct fuse_session *session, const struct notice *n)
{
    fuse_lowlevel_notify_inval_entry(session, n->parent, n->name, strlen(n->name));
}

static void say_deleted(struct fuse_session *session, const struct notice *n)
{
    if (n->node == 0 ||
        fuse_lowlevel_notify_delete(session, n->parent, n->node, n->name, strlen(n->name)) != 0)
        invalidate_name(session, n);
}

void tell_kernel(const struct tell_mount *mount, const struct notice *n)
{
    struct fuse_session *session = mount->session;
    switch (n->kind) {
    case NOTICE_NAME:
        invalidate_name(session, n);
        break;
    case NOTICE_EXPIRE:
        libfuse_notify_expire_entry(session, n->parent, n->name);
        break;
    case NOTICE_DELETED:
        say_deleted(session, n);
        break;
    case NOTICE_REMOVED:
        if (!remove_through_mount(mount, n->path))
            say_deleted(session, n);
        break;
    case NOTICE_INODE: /* libfuse takes a negative offset for the attributes alone */
        fuse_lowlevel_notify_inval_inode(session, n->node, -1, 0);
        break;
    case NOTICE_DATA:
        fuse_lowlevel_notify_inval_inode(session, n->node, 0, 0);
        break;
    case NOTICE_STORE:
    case NOTICE_FLUSH:
    case NOTICE_KINDS:
        break;
    }
}

void tell_content(const struct tell_mount *mount, uint64_t node, const char *data, size_t size)
{
    struct fuse_bufvec content = FUSE_BUFVEC_INIT(size);
    content.buf[0].mem = (void *)(uintptr_t)data;
    fuse_lowlevel_notify_store(mount->session, node, 0, &content, 0);
}

void tell_poll(struct fuse_pollhandle *handle)
{
    fuse_lowlevel_notify_poll(handle);
    fuse_pollhandle_destroy(handle);
}
