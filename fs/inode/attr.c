/* Listing directories, and the attributes and content of nodes. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bigdatafs/connector/tree.h"

#include "node.h"

static const char *const progress_text[] = {
    [PROGRESS_IDLE] = "idle\n",
    [PROGRESS_UNDER_WAY] = "idle\n",
    [PROGRESS_DELETING] = "deleting\n",
    [PROGRESS_STALLED] = "stalled\n",
};

const char *node_progress_text(enum progress progress)
{
    return progress_text[progress];
}

/* Listing */

struct listing_to {
    struct nodes *nodes;
    bool with_nodes;
    node_child_fn *child;
    void *arg;
};

/* Hands one child over; false when the listing is to end. node has no lookup counted yet. */
static bool hand_over(const struct listing_to *to, struct node_child *child, struct node *node)
{
    if (to->with_nodes && node != NULL) {
        child->node = node;
        node->lookups++;
    }
    if (to->child(to->arg, child))
        return true;
    if (child->node != NULL)
        nodes_forget(to->nodes, node, 1);
    return false;
}

static int list_connectors(struct nodes *n, struct node *dir, uint64_t after,
                           const struct listing_to *to)
{
    n->relisted[node_dir_place(dir)] = false;
    if (dir->kind == NODE_ROOT && after < COOKIE_ARCHIVED) {
        struct node_child child = {.name = NODE_ARCHIVED_NAME,
                                   .cookie = COOKIE_ARCHIVED,
                                   .ino = n->archived.ino,
                                   .is_dir = true};
        if (!hand_over(to, &child, &n->archived))
            return 0;
    }
    if (dir->kind == NODE_ROOT && after < COOKIE_ABOUT) {
        struct node_child child = {.name = NODE_ABOUT_NAME,
                                   .cookie = COOKIE_ABOUT,
                                   .ino = n->about_dir.ino,
                                   .is_dir = true};
        if (!hand_over(to, &child, &n->about_dir))
            return 0;
    }
    const struct connectors *connectors = catalogue_connectors(n->catalogue);
    uint64_t serial = after > NODE_FIRST_COOKIE ? after - NODE_FIRST_COOKIE : 0;
    struct connector *connector;
    while ((connector = connectors_next(connectors, node_dir_place(dir), serial)) != NULL) {
        struct node *node = NULL;
        serial = connector->serial;
        if (to->with_nodes && node_of_connector(n, connector, &node) < 0)
            return -ENOMEM;
        struct node_child child = {.name = connector->id,
                                   .cookie = serial + NODE_FIRST_COOKIE,
                                   .ino = view_connector_ino(connector->id),
                                   .is_dir = true};
        if (!hand_over(to, &child, node))
            return 0;
    }
    return 0;
}

/* Reports and bulk files have no node here: a lookup makes one. */
static int list_about(struct nodes *n, uint64_t after, const struct listing_to *to)
{
    enum {
        COOKIE_REFRESH = 3,
        COOKIE_FIRST_BULK = 4,
        COOKIE_FIRST_REPORT = COOKIE_FIRST_BULK + BULK_FILES
    };
    if (after < COOKIE_REFRESH) {
        struct node_child child = {
            .name = NODE_REFRESH_NAME, .cookie = COOKIE_REFRESH, .ino = REFRESH_INO};
        if (!hand_over(to, &child, &n->refresh))
            return 0;
    }
    for (uint32_t op = 0; op < BULK_FILES; op++) {
        struct node_child child = {.name = node_bulk_name(op),
                                   .cookie = COOKIE_FIRST_BULK + op,
                                   .ino = FIRST_BULK_INO + op};
        if (child.cookie > after && !hand_over(to, &child, NULL))
            return 0;
    }
    for (uint32_t i = 0; i < n->reports.count; i++) {
        struct node_child child = {.name = n->reports.name(i),
                                   .cookie = COOKIE_FIRST_REPORT + i,
                                   .ino = FIRST_REPORT_INO + i};
        if (child.cookie > after && !hand_over(to, &child, NULL))
            return 0;
    }
    return 0;
}

static int list_inside(struct nodes *n, struct node *dir, uint64_t after,
                       const struct listing_to *to)
{
    if (!dir->attached)
        return 0;
    int err = node_open_view(n, dir);
    if (err < 0)
        return err;
    struct node *node = NULL;
    if (dir->kind == NODE_CONNECTOR && after < COOKIE_CONTROL && !dir->control_hidden) {
        err = node_of_control(n, dir, &node);
        if (err < 0)
            return err;
        struct node_child child = {
            .name = NODE_CONTROL_NAME, .cookie = COOKIE_CONTROL, .ino = node->ino};
        if (!to->with_nodes)
            node->lookups++; /* so that it is freed again if it was made for this */
        bool more = hand_over(to, &child, node);
        if (!to->with_nodes)
            nodes_forget(n, node, 1);
        if (!more)
            return 0;
    }
    const struct view *v = dir->view;
    const struct entry *d = &v->tree->entries[dir->entry];
    for (uint32_t i = d->first; i < d->first + d->count; i++) {
        const struct entry *e = &v->tree->entries[i];
        if (e->cookie <= after || (v->marks[i] & VIEW_HIDDEN))
            continue;
        if (to->with_nodes && node_of_entry(n, dir, i, &node) < 0)
            return -ENOMEM;
        struct node_child child = {.name = e->name,
                                   .cookie = e->cookie,
                                   .ino = to->with_nodes ? node->ino : view_ino(v, i),
                                   .is_dir = e->kind == ENTRY_DIR};
        if (!hand_over(to, &child, node))
            return 0;
    }
    return 0;
}

int nodes_list(struct nodes *n, struct node *dir, uint64_t after, bool with_nodes,
               node_child_fn *child, void *arg)
{
    struct listing_to to = {.nodes = n, .with_nodes = with_nodes, .child = child, .arg = arg};
    switch ((enum node_kind)dir->kind) {
    case NODE_ROOT:
    case NODE_ARCHIVED:
        return list_connectors(n, dir, after, &to);
    case NODE_CONNECTOR:
    case NODE_DIR:
        return list_inside(n, dir, after, &to);
    case NODE_ABOUT:
        return list_about(n, after, &to);
    default:
        return -ENOTDIR;
    }
}

/* Attributes and content */

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
        st->st_size = (off_t)strlen(node_progress_text(node->state));
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
        *data = node_progress_text(node->state);
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

const struct trees *nodes_trees(const struct nodes *n)
{
    return &n->trees;
}
