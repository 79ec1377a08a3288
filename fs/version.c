#include "bigdatafs/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTENT_SEED = 1,
    FIRST_FREE_INO = 256
}; /* lower inode numbers are the fixed directories' */

int version_new(struct connector *c, struct version **out)
{
    struct version *v = calloc(1, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    int err = connector_tree(c, &v->tree);
    if (err < 0) {
        free(v);
        return err;
    }
    v->refs = 1;
    v->connector = connector_ref(c);
    v->nodes = calloc(v->tree->count, sizeof *v->nodes);
    v->marks = calloc(v->tree->count, sizeof *v->marks);
    if (v->nodes == NULL || v->marks == NULL) {
        version_unref(v);
        return -ENOMEM;
    }
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
    connector_unref(v->connector);
    free(v->tree);
    free(v->nodes);
    free(v->marks);
    free(v);
}

struct timespec version_time(const struct version *v, uint32_t entry)
{
    return v->tree->entries[entry].synced ? connector_synced_at(v->connector)
                                          : connector_updated_at(v->connector);
}

bool version_same_file(const struct version *a, uint32_t in_a, const struct version *b,
                       uint32_t in_b)
{
    const struct entry *x = &a->tree->entries[in_a], *y = &b->tree->entries[in_b];
    struct timespec s = version_time(a, in_a), t = version_time(b, in_b);
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
