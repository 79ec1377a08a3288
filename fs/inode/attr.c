#include "bigdatafs/inode/attr.h"

#include <string.h>
#include <sys/stat.h>

#include "about_dir.h"
#include "bigdatafs/connector/tree.h"
#include "control_file.h"
#include "life.h"

enum {
    BLOCK_SIZE = 4096,         /* st_blksize */
    BULK_WRITE_SIZE = 1 << 20, /* the same of bulk files: cp and cat write so much at once */
};

/* Zero when the connector is gone. */
static struct timespec control_time(const struct node *node)
{
    const struct snapshot *snapshot = node->connector->snapshot;
    return snapshot != NULL ? snapshot_updated_at(snapshot) : (struct timespec){0};
}

static void dir_attr(struct nodes *n, const struct node *node, struct stat *st)
{
    struct connectors *connectors = catalogue_connectors(n->catalogue);
    st->st_mode = S_IFDIR | (0755 & ~n->options.umask);
    switch ((enum node_kind)node->kind) {
    case NODE_ROOT:
        n->relisted[PLACE_ACTIVE] = false;
        st->st_nlink = (nlink_t)(4 + connectors_count_in(connectors, PLACE_ACTIVE));
        st->st_mtim = n->changed[PLACE_ACTIVE];
        break;
    case NODE_ARCHIVED:
        n->relisted[PLACE_ARCHIVED] = false;
        st->st_nlink = (nlink_t)(2 + connectors_count_in(connectors, PLACE_ARCHIVED));
        st->st_mtim = n->changed[PLACE_ARCHIVED];
        break;
    case NODE_ABOUT:
        st->st_nlink = 2;
        st->st_mtim = n->changed[PLACE_NONE];
        break;
    case NODE_CONNECTOR:
        if (node->connector->snapshot == NULL)
            break; /* gone: no links and no times */
        st->st_nlink = 2u + node->connector->snapshot->subdirs;
        st->st_mtim = snapshot_updated_at(node->connector->snapshot);
        break;
    default:
        st->st_nlink = node->attached ? 2u + node->shown.subdirs : 0;
        st->st_mtim = view_time(node->view, node->shown.synced);
    }
}

static void file_attr(const struct nodes *n, mode_t mode, size_t size, struct timespec time,
                      struct stat *st)
{
    st->st_mode = S_IFREG | (mode & ~n->options.umask);
    st->st_nlink = 1;
    st->st_size = (off_t)size;
    st->st_mtim = time;
}

void nodes_attr(struct nodes *n, const struct node *node, struct stat *st)
{
    /* A control file or report has the same time whenever it is read: tar takes another one for a
     * change under its hands. */
    const struct timespec start = n->changed[PLACE_NONE];
    memset(st, 0, sizeof *st);
    st->st_ino = node->ino;
    st->st_uid = n->options.uid;
    st->st_gid = n->options.gid;
    st->st_blksize = node->kind == NODE_BULK ? BULK_WRITE_SIZE : BLOCK_SIZE;
    switch ((enum node_kind)node->kind) {
    case NODE_FILE:
        file_attr(n, 0444, node->shown.size, view_time(node->view, node->shown.synced), st);
        break;
    case NODE_CONTROL:
        file_attr(n, 0600, strlen(control_file_text(node->reads_as)), control_time(node), st);
        break;
    case NODE_REPORT:
        file_attr(n, 0444, node->report->len, start, st);
        break;
    case NODE_BULK:
    case NODE_REFRESH:
        file_attr(n, 0600, 0, start, st);
        break;
    default:
        dir_attr(n, node, st);
    }
    st->st_blocks = (st->st_size + 511) / 512;
    st->st_atim = st->st_ctim = st->st_mtim;
}

int nodes_parent_ino(const struct nodes *n, const struct node *dir, uint64_t *out)
{
    int err = 0;
    if (dir->kind == NODE_DIR) {
        struct view *v = dir->view;
        err = view_open(v);
        if (err == 0)
            *out = view_ino(v, v->tree->entries[dir->entry].parent);
    } else if (dir->kind == NODE_CONNECTOR && dir->connector->place == PLACE_ARCHIVED) {
        *out = n->archived.ino;
    } else {
        *out = n->root.ino;
    }
    return err;
}

double nodes_attr_timeout(const struct nodes *n, const struct node *node)
{
    if (node_lists_connectors(node)) /* being asked is how the program notices that it is in use */
        return (double)catalogue_fresh_ms(n->catalogue) / 1000;
    if (node_is_of_list(node) && catalogue_ttl_left_ms(n->catalogue) == 0)
        return 0;
    return NODE_LONG_S;
}

double nodes_entry_timeout(const struct nodes *n, const struct node *node)
{
    if (node->kind == NODE_REPORT || node->kind == NODE_BULK)
        return 0; /* each walk makes a new node */
    if (node->kind != NODE_CONNECTOR)
        return NODE_LONG_S;
    if (n->can_expire && catalogue_ttl_left_ms(n->catalogue) > 0)
        return NODE_LONG_S;
    return (double)catalogue_fresh_ms(n->catalogue) / 1000;
}

static int entry_content(const struct node *node, const char **data, size_t *size)
{
    int err = view_open(node->view);
    if (err < 0)
        return err;
    const struct entry *e = &node->view->tree->entries[node->entry];
    *data = e->data;
    *size = e->size;
    return 0;
}

int nodes_content(const struct node *node, const char **data, size_t *size)
{
    switch ((enum node_kind)node->kind) {
    case NODE_FILE:
        return entry_content(node, data, size);
    case NODE_CONTROL:
        *data = control_file_text(node->reads_as);
        *size = strlen(*data);
        return 0;
    case NODE_REPORT:
        *data = node->report->text;
        *size = node->report->len;
        return 0;
    default:
        *data = "";
        *size = 0;
        return 0;
    }
}
