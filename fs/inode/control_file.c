#include "control_file.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/inode/id.h"
#include "life.h"

static const char *const progress_text[] = {
    [PROGRESS_IDLE] = "idle\n",
    [PROGRESS_UNDER_WAY] = "idle\n",
    [PROGRESS_DELETING] = "deleting\n",
    [PROGRESS_STALLED] = "stalled\n",
};

const char *control_file_text(enum progress progress)
{
    return progress_text[progress];
}

uint64_t control_file_ino(const struct node *dir)
{
    return hash_bytes(NODE_CONTROL_NAME, sizeof NODE_CONTROL_NAME, dir->ino);
}

int control_file_node(struct nodes *n, struct node *dir, struct node **out)
{
    if (dir->control_hidden)
        return -ENOENT;
    if (dir->control == NULL) {
        struct node *node = node_new(n, NODE_CONTROL, dir->connector);
        if (node == NULL)
            return -ENOMEM;
        node->reads_as = dir->connector->progress;
        node->ino = control_file_ino(dir);
        dir->control = node;
    }
    *out = dir->control;
    return 0;
}

static void wake(struct poll_wait *w)
{
    if (w->handle == NULL)
        return;
    notify_poll(w->handle);
    w->handle = NULL;
    w->connector->pins--;
}

void control_file_wake_polls(struct nodes *n, const struct connector *connector)
{
    for (unsigned i = 0; i < NODE_POLLS_MAX; i++)
        if (connector == NULL || n->polls[i].connector == connector)
            wake(&n->polls[i]);
}

void nodes_renew_control(struct nodes *n, struct connector *connector)
{
    if (connector->dir == NULL || connector->dir->control == NULL)
        return;
    notify_name(n->notify, nodes_id(n, connector->dir), NODE_CONTROL_NAME);
    node_detach(connector->dir->control);
}

void control_file_on_progress(void *arg, struct connector *connector)
{
    struct nodes *n = arg;
    const struct node *control = connector->dir != NULL ? connector->dir->control : NULL;
    const char *text = control_file_text(connector->progress);
    if (control != NULL && strcmp(control_file_text(control->reads_as), text) != 0)
        nodes_renew_control(n, connector);
    control_file_wake_polls(n, connector);
}

unsigned nodes_poll(struct nodes *n, struct node *control, struct fuse_pollhandle *handle)
{
    struct connector *connector = control->connector;
    if (handle != NULL) {
        struct poll_wait *w = &n->polls[n->next_poll++ % NODE_POLLS_MAX];
        wake(w);
        *w = (struct poll_wait){.handle = handle, .connector = connector};
        connector->pins++;
    }
    if (!connector_exists(connector))
        return POLLIN | POLLPRI | POLLERR | POLLHUP;
    if (connector_is_being_deleted(connector))
        return 0; /* the news that is waited for is that it is gone */
    return POLLIN | POLLOUT;
}
