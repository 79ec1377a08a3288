#include "bigdatafs/inode/prefetch.h"

#include <stdlib.h>

#include "bigdatafs/connector/tree.h"
#include "bigdatafs/inode/forget.h"
#include "bigdatafs/inode/id.h"
#include "life.h"

enum {
    READS_BEFORE_STORE = 2,
    FILES_MAX = 256,       /* of one batch */
    FILE_SIZE_MAX = 65536, /* a larger one is read when it is asked for */
    BATCHES_MAX = 256,     /* on their way */
};

/* Files on their way to the kernel. Each has a lookup more meanwhile, so that its fuse id stays its
 * own. */
struct batch {
    struct nodes *nodes;
    struct view *view; /* pinned: its tree has the bytes */
    size_t count;
    struct notify_file files[FILES_MAX];
};

static void on_stored(void *arg)
{
    struct batch *b = arg;
    b->nodes->batches--;
    for (size_t i = 0; i < b->count; i++)
        nodes_forget(b->nodes, nodes_from_id(b->nodes, b->files[i].node), 1);
    view_unpin(b->view);
    view_unref(b->view);
    free(b);
}

static bool is_worth_sending(const struct view *v, uint32_t entry)
{
    const struct entry *e = &v->tree->entries[entry];
    return v->nodes[entry] != NULL && !(v->marks[entry] & VIEW_SENT) && e->kind == ENTRY_FILE &&
           e->size > 0 && e->size <= FILE_SIZE_MAX;
}

/* Begins behind the entry that was read, since that is where the reader goes. */
static void fill(struct batch *b, uint32_t after)
{
    struct view *v = b->view;
    for (uint32_t step = 1; step <= v->count && b->count < FILES_MAX; step++) {
        uint32_t i = (after + step) % v->count;
        if (!is_worth_sending(v, i))
            continue;
        const struct entry *e = &v->tree->entries[i];
        b->files[b->count++] = (struct notify_file){
            .node = nodes_id(b->nodes, v->nodes[i]), .data = e->data, .size = e->size};
        v->nodes[i]->lookups++;
        v->marks[i] |= VIEW_SENT;
    }
    v->all_sent = b->count < FILES_MAX;
}

void nodes_was_read(struct nodes *n, const struct node *node)
{
    struct view *v = node->view;
    if (node->kind != NODE_FILE || !node->attached)
        return;
    v->marks[node->entry] |= VIEW_SENT;
    if (++v->reads < READS_BEFORE_STORE || v->all_sent || n->batches == BATCHES_MAX)
        return;
    struct batch *b = malloc(sizeof *b);
    if (b == NULL || view_pin(v) < 0) {
        free(b);
        return; /* they are read one by one */
    }
    b->nodes = n;
    b->view = view_ref(v);
    b->count = 0;
    n->batches++;
    fill(b, node->entry);
    if (b->count == 0)
        on_stored(b);
    else
        notify_store(n->notify, b->files, b->count, on_stored, b);
}
