#include "view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/tree.h"

enum {
    CONTENT_SEED = 1,
    FIRST_FREE_INO = 256, /* lower inode numbers are those of the fixed files */
};

void trees_init(struct trees *t, size_t bytes_max)
{
    *t = (struct trees){.bytes_max = bytes_max};
    TAILQ_INIT(&t->by_use);
}

/* The table in view.h. */
static void check_invariants(const struct view *v)
{
    assert(v->in_order == (v->tree != NULL && v->pins == 0));
    assert(v->pins == 0 || v->tree != NULL);
    assert(v->tree == NULL || (v->tree->count == v->count && v->trees->bytes >= v->tree->size));
    (void)v;
}

static void put_in_order(struct view *v)
{
    TAILQ_INSERT_HEAD(&v->trees->by_use, v, order);
    v->in_order = true;
}

static void take_out_of_order(struct view *v)
{
    TAILQ_REMOVE(&v->trees->by_use, v, order);
    v->in_order = false;
}

static int make_tree(struct trees *t, const struct snapshot *c, struct tree **out)
{
    int err = tree_new(c, out);
    if (err < 0)
        return err == -EBADMSG ? -ENOMEM : err; /* the text was good when it came */
    t->bytes += (*out)->size;
    t->made++;
    return 0;
}

static void drop_tree(struct view *v)
{
    v->trees->bytes -= v->tree->size;
    free(v->tree);
    v->tree = NULL;
}

/* The held tree that was used longest ago, but for the last two. */
static struct view *dispensable(const struct trees *t)
{
    struct view *first = TAILQ_FIRST(&t->by_use), *last = TAILQ_LAST(&t->by_use, view_order);
    bool at_most_two = first == NULL || last == first || last == TAILQ_NEXT(first, order);
    return at_most_two ? NULL : last;
}

static void trim(struct trees *t)
{
    struct view *v;
    while (t->bytes > t->bytes_max && (v = dispensable(t)) != NULL) {
        take_out_of_order(v);
        drop_tree(v);
        check_invariants(v);
    }
}

int view_open(struct view *v)
{
    if (v->pins > 0)
        return 0;
    if (v->tree != NULL) {
        take_out_of_order(v);
    } else {
        int err = make_tree(v->trees, v->snapshot, &v->tree);
        if (err < 0)
            return err;
    }
    put_in_order(v);
    trim(v->trees);
    check_invariants(v);
    return 0;
}

int view_pin(struct view *v)
{
    int err = view_open(v);
    if (err < 0)
        return err;
    if (v->pins++ == 0)
        take_out_of_order(v);
    check_invariants(v);
    return 0;
}

void view_unpin(struct view *v)
{
    if (--v->pins > 0)
        return;
    put_in_order(v);
    trim(v->trees);
    check_invariants(v);
}

int view_new(struct trees *trees, struct snapshot *c, struct view **out)
{
    struct tree *tree;
    int err = make_tree(trees, c, &tree);
    if (err < 0)
        return err;
    size_t nodes_size = tree->count * sizeof(struct node *);
    struct view *v = calloc(1, sizeof *v + nodes_size + tree->count);
    if (v == NULL) {
        trees->bytes -= tree->size;
        free(tree);
        return -ENOMEM;
    }
    v->refs = 1;
    v->count = tree->count;
    v->snapshot = snapshot_ref(c);
    v->trees = trees;
    v->tree = tree;
    v->marks = (uint8_t *)v->nodes + nodes_size;
    put_in_order(v);
    trim(trees);
    check_invariants(v);
    *out = v;
    return 0;
}

struct view *view_ref(struct view *v)
{
    v->refs++;
    return v;
}

void view_unref(struct view *v)
{
    if (v == NULL || --v->refs > 0)
        return;
    assert(v->pins == 0);
    if (v->tree != NULL) {
        take_out_of_order(v);
        drop_tree(v);
    }
    snapshot_unref(v->snapshot);
    free(v);
}

struct timespec view_time(const struct view *v, bool synced)
{
    return synced ? snapshot_synced_at(v->snapshot) : snapshot_updated_at(v->snapshot);
}

bool view_same_file(const struct view *a, uint32_t in_a, const struct view *b, uint32_t in_b)
{
    const struct entry *x = &a->tree->entries[in_a], *y = &b->tree->entries[in_b];
    struct timespec s = view_time(a, x->synced), t = view_time(b, y->synced);
    return x->size == y->size && s.tv_sec == t.tv_sec && s.tv_nsec == t.tv_nsec &&
           memcmp(x->data, y->data, x->size) == 0;
}

int view_find_path(const struct view *old, uint32_t entry, const struct view *new)
{
    const struct entry *e = &old->tree->entries[entry];
    if (entry == 0)
        return 0;
    int dir = view_find_path(old, e->parent, new);
    if (dir < 0)
        return dir;
    int found = tree_find(new->tree, (uint32_t)dir, e->name, e->name_len);
    return found >= 0 && new->tree->entries[found].kind != e->kind ? -ENOENT : found;
}

static uint64_t usable_ino(uint64_t ino)
{
    return ino < FIRST_FREE_INO ? ino + FIRST_FREE_INO : ino;
}

uint64_t view_connector_ino(const char *id)
{
    return usable_ino(hash_bytes(id, UUID_LEN, 0));
}

uint64_t view_ino(const struct view *v, uint32_t entry)
{
    const struct entry *e = &v->tree->entries[entry];
    if (entry == 0)
        return view_connector_ino(v->snapshot->id);
    uint64_t ino = hash_bytes(e->name, e->name_len, view_ino(v, e->parent));
    if (e->kind == ENTRY_FILE)
        ino = hash_bytes(e->data, e->size, ino + CONTENT_SEED);
    return usable_ino(ino);
}
