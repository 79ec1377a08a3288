#include "bigdatafs/inode/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTENT_SEED = 1,
    FIRST_FREE_INO = 256
}; /* lower inode numbers are the fixed directories' */

/* The order of use */

static void add_newest(struct version *v)
{
    struct trees *t = v->trees;
    v->newer = NULL;
    v->older = t->newest;
    if (t->newest != NULL)
        t->newest->newer = v;
    else
        t->oldest = v;
    t->newest = v;
}

static void take_out(struct version *v)
{
    struct trees *t = v->trees;
    if (v->newer != NULL)
        v->newer->older = v->older;
    else
        t->newest = v->older;
    if (v->older != NULL)
        v->older->newer = v->newer;
    else
        t->oldest = v->newer;
}

/* Trees */

static int make_tree(struct trees *t, const struct connector *c, struct tree **out)
{
    int err = connector_tree(c, out);
    if (err < 0)
        return err == -EBADMSG ? -ENOMEM : err; /* the text was good when it came */
    t->bytes += (*out)->size;
    t->made++;
    return 0;
}

static void drop_tree(struct version *v)
{
    v->trees->bytes -= v->tree->size;
    free(v->tree);
    v->tree = NULL;
}

static void trim(struct trees *t)
{
    while (t->bytes > t->bytes_max && t->oldest != t->newest && t->oldest->newer != t->newest) {
        struct version *v = t->oldest;
        take_out(v);
        drop_tree(v);
    }
}

int version_open(struct version *v)
{
    if (v->pins > 0)
        return 0;
    if (v->tree != NULL) {
        take_out(v);
    } else {
        int err = make_tree(v->trees, v->connector, &v->tree);
        if (err < 0)
            return err;
    }
    add_newest(v);
    trim(v->trees);
    return 0;
}

int version_pin(struct version *v)
{
    int err = version_open(v);
    if (err == 0 && v->pins++ == 0)
        take_out(v);
    return err;
}

void version_unpin(struct version *v)
{
    if (--v->pins > 0)
        return;
    add_newest(v);
    trim(v->trees);
}

/* Versions */

int version_new(struct trees *trees, struct connector *c, struct version **out)
{
    struct tree *tree;
    int err = make_tree(trees, c, &tree);
    if (err < 0)
        return err;
    size_t nodes_size = tree->count * sizeof(struct node *);
    struct version *v = calloc(1, sizeof *v + nodes_size + tree->count);
    if (v == NULL) {
        trees->bytes -= tree->size;
        free(tree);
        return -ENOMEM;
    }
    v->refs = 1;
    v->count = tree->count;
    v->connector = connector_ref(c);
    v->trees = trees;
    v->tree = tree;
    v->marks = (uint8_t *)v->nodes + nodes_size;
    add_newest(v);
    trim(trees);
    *out = v;
    return 0;
}

struct version *version_ref(struct version *v)
{
    v->refs++;
    return v;
}

void version_unref(struct version *v)
{
    if (v == NULL || --v->refs > 0)
        return;
    if (v->tree != NULL) {
        take_out(v);
        drop_tree(v);
    }
    connector_unref(v->connector);
    free(v);
}

struct timespec version_time(const struct version *v, bool synced)
{
    return synced ? connector_synced_at(v->connector) : connector_updated_at(v->connector);
}

bool version_same_file(const struct version *a, uint32_t in_a, const struct version *b,
                       uint32_t in_b)
{
    const struct entry *x = &a->tree->entries[in_a], *y = &b->tree->entries[in_b];
    struct timespec s = version_time(a, x->synced), t = version_time(b, y->synced);
    return x->size == y->size && s.tv_sec == t.tv_sec && s.tv_nsec == t.tv_nsec &&
           memcmp(x->data, y->data, x->size) == 0;
}

int version_find_path(const struct version *old, uint32_t entry, const struct version *new)
{
    const struct entry *e = &old->tree->entries[entry];
    if (entry == 0)
        return 0;
    int dir = version_find_path(old, e->parent, new);
    if (dir < 0)
        return dir;
    int found = tree_find(new->tree, (uint32_t)dir, e->name, e->name_len);
    return found >= 0 && new->tree->entries[found].kind != e->kind ? -ENOENT : found;
}

static uint64_t usable_ino(uint64_t ino)
{
    return ino < FIRST_FREE_INO ? ino + FIRST_FREE_INO : ino;
}

uint64_t version_connector_ino(const char *id)
{
    return usable_ino(name_hash(id, UUID_LEN, 0));
}

uint64_t version_ino(const struct version *v, uint32_t entry)
{
    const struct entry *e = &v->tree->entries[entry];
    if (entry == 0)
        return version_connector_ino(v->connector->id);
    uint64_t ino = name_hash(e->name, e->name_len, version_ino(v, e->parent));
    if (e->kind == ENTRY_FILE)
        ino = name_hash(e->data, e->size, ino + CONTENT_SEED);
    return usable_ino(ino);
}
