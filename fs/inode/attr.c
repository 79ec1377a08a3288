#include "bigdatafs/inode/attr.h"

#include <string.h>
#include <sys/stat.h>

#include "about_dir.h"
#include "bigdatafs/connector/tree.h"
#include "control_file.h"
#include "life.h"

enum {
    BULK_WRITE_SIZE =
        1 << 20, /* st_blksize of the bulk files: cp and cat then write so much at once */
};

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
            break; /* gone: no links, no times */
        st->st_nlink = 2u + node->connector->snapshot->subdirs;
        st->st_mtim = snapshot_updated_at(node->connector->snapshot);
        break;
    default:
        st->st_nlink = node->attached ? 2u + node->shown.subdirs : 0;
        st->st_mtim = view_time(node->view, node->shown.synced);
    }
}

void nodes_attr(struct nodes *n, const struct node *node, struct stat *st)
{
    memset(st, 0, sizeof *st);
    st->st_ino = node->ino;
    st->st_uid = n->options.uid;
    st->st_gid = n->options.gid;
    st->st_blksize = 4096;
    switch ((enum node_kind)node->kind) {
    case NODE_FILE:
        st->st_mode = S_IFREG | (0444 & ~n->options.umask);
        st->st_nlink = 1;
        st->st_size = node->shown.size;
        st->st_mtim = view_time(node->view, node->shown.synced);
        break;
    case NODE_CONTROL:
        st->st_mode = S_IFREG | (0600 & ~n->options.umask);
        st->st_nlink = 1;
        st->st_size = (off_t)strlen(node_progress_text(node->reads_as));
        if (node->connector->snapshot != NULL)
            st->st_mtim = snapshot_updated_at(node->connector->snapshot);
        break;
    case NODE_REPORT:
        st->st_mode = S_IFREG | (0444 & ~n->options.umask);
        st->st_nlink = 1;
        st->st_size = (off_t)node->report->len;
        st->st_mtim =
            n->changed[PLACE_NONE]; /* tar takes a new time for a change under its hands */
        break;
    case NODE_BULK:
        st->st_blksize = BULK_WRITE_SIZE;
        /* fall through */
    case NODE_REFRESH:
        st->st_mode = S_IFREG | (0600 & ~n->options.umask);
        st->st_nlink = 1;
        st->st_mtim = n->changed[PLACE_NONE];
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
    switch ((enum node_kind)node->kind) {
    case NODE_ROOT:
    case NODE_ARCHIVED: /* asking for these is how the program notices that it is in use */
        return (double)catalogue_fresh_ms(n->catalogue) / 1000;
    case NODE_CONNECTOR:
    case NODE_DIR:
        return catalogue_ttl_left_ms(n->catalogue) > 0 ? NODE_LONG_S : 0;
    default:
        return NODE_LONG_S;
    }
}

double nodes_entry_timeout(const struct nodes *n, const struct node *node)
{
    if (node->kind == NODE_REPORT || node->kind == NODE_BULK)
        return 0; /* the next walk makes a new one */
    if (node->kind != NODE_CONNECTOR)
        return NODE_LONG_S;
    if (n->can_expire && catalogue_ttl_left_ms(n->catalogue) > 0)
        return NODE_LONG_S;
    return (double)catalogue_fresh_ms(n->catalogue) / 1000;
}

int nodes_content(const struct node *node, const char **data, size_t *size)
{
    if (node->kind == NODE_CONTROL) {
        *data = node_progress_text(node->reads_as);
        *size = strlen(*data);
    } else if (node->kind == NODE_REPORT) {
        *data = node->report->text;
        *size = node->report->len;
    } else if (node->kind == NODE_REFRESH || node->kind == NODE_BULK) {
        *data = "";
        *size = 0;
    } else {
        int err = view_open(node->view);
        if (err < 0)
            return err;
        *data = node->view->tree->entries[node->entry].data;
        *size = node->view->tree->entries[node->entry].size;
    }
    return 0;
}
