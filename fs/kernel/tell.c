#include "tell.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bigdatafs/kernel/libfuse.h"

_Static_assert(TELL_ROOT_ID == FUSE_ROOT_ID, "the root has the number that libfuse gives it");

/* Removes a name through the mount itself. Whatever is below the directory, or was mounted over the
 * mount point since, is not ours to touch: then it does nothing and returns false. */
static bool remove_through_mount(const struct tell_mount *mount, const char *path)
{
    int root = open(mount->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return false;
    struct stat st;
    bool removed = fstat(root, &st) == 0 && st.st_dev == mount->device &&
                   unlinkat(root, path, AT_REMOVEDIR) == 0;
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
