#include "view.h"

#include <stdlib.h>

#include "bigdatafs/connector/tree.h"
#include "check.h"

enum { MANY = 8 };

/* A view of a connector whose label is n times the letter. */
static struct view *make(struct trees *trees, char letter, int n)
{
    char json[1024], label[512];
    struct snapshot *c = NULL;
    struct view *v = NULL;
    memset(label, letter, sizeof label);
    snprintf(json, sizeof json,
             "{\"connector_id\":\"019a9612-bfad-758c-884e-000000000001\",\"label\":\"%.*s\","
             "\"config\":{\"email\":\"x@y\"}}",
             n, label);
    if (!CHECK_INT(snapshot_parse(json, strlen(json), &c), 0) ||
        !CHECK_INT(view_new(trees, c, &v), 0))
        exit(check_report());
    snapshot_unref(c);
    return v;
}

static size_t held(struct view *const *v)
{
    size_t bytes = 0;
    for (int i = 0; i < MANY; i++)
        bytes += v[i]->tree != NULL ? v[i]->tree->size : 0;
    return bytes;
}

static void check_label(const struct view *v, char letter)
{
    int i = tree_find(v->tree, 0, "label", 5);
    if (CHECK(i > 0))
        CHECK_INT(v->tree->entries[i].data[0], letter);
}

static void make_all(struct trees *trees, struct view **v)
{
    for (int i = 0; i < MANY; i++)
        v[i] = make(trees, (char)('a' + i), 100);
}

static void free_all(struct trees *trees, struct view **v)
{
    for (int i = 0; i < MANY; i++)
        view_unref(v[i]);
    CHECK_INT(trees->bytes, 0);
    CHECK(TAILQ_EMPTY(&trees->by_use));
}

static void test_the_last_used_are_held(void)
{
    struct view *v[MANY];
    struct trees trees;
    trees_init(&trees, SIZE_MAX);
    make_all(&trees, v);
    CHECK_INT(trees.bytes, held(v));
    CHECK_INT(trees.made, MANY);
    trees.bytes_max = 4 * v[0]->tree->size;
    CHECK_INT(view_open(v[1]), 0);
    for (int i = 0; i < MANY; i++)
        CHECK((v[i]->tree != NULL) == (i == 1 || i >= MANY - 3));
    CHECK_INT(trees.bytes, trees.bytes_max);
    CHECK_INT(trees.made, MANY);

    CHECK_INT(view_open(v[0]), 0);
    CHECK_INT(trees.made, MANY + 1);
    CHECK(v[1]->tree != NULL && v[MANY - 3]->tree == NULL && v[MANY - 2]->tree != NULL);
    check_label(v[0], 'a');
    CHECK_INT(trees.bytes, held(v));
    view_unref(v[MANY - 1]); /* one that is held */
    view_unref(v[3]);        /* and one that is not */
    v[MANY - 1] = make(&trees, 'h', 100);
    v[3] = make(&trees, 'd', 100);
    CHECK_INT(trees.bytes, held(v));
    free_all(&trees, v);
}

static void test_two_are_held_whatever_their_size(void)
{
    struct view *v[MANY];
    struct trees trees;
    trees_init(&trees, 0);
    make_all(&trees, v);
    for (int i = 0; i < MANY; i++)
        CHECK((v[i]->tree != NULL) == (i >= MANY - 2));
    for (int i = 1; i < MANY; i++) {
        CHECK_INT(view_open(v[i - 1]), 0);
        CHECK_INT(view_open(v[i]), 0);
        check_label(v[i - 1], (char)('a' + i - 1));
        check_label(v[i], (char)('a' + i));
        CHECK_INT(trees.bytes, held(v));
    }
    free_all(&trees, v);
}

static void test_a_pinned_one_is_held(void)
{
    struct view *v[MANY];
    struct trees trees;
    trees_init(&trees, 0);
    make_all(&trees, v);
    CHECK_INT(view_pin(v[0]), 0);
    const struct tree *pinned = v[0]->tree;
    CHECK_INT(view_pin(v[0]), 0);
    view_unpin(v[0]);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(view_open(v[i]), 0);
        CHECK(v[0]->tree == pinned);
    }
    check_label(v[0], 'a');
    CHECK_INT(trees.bytes, held(v));
    view_unpin(v[0]);
    CHECK(v[0]->tree == pinned);
    CHECK_INT(view_open(v[1]), 0);
    CHECK_INT(view_open(v[2]), 0);
    CHECK(v[0]->tree == NULL);
    free_all(&trees, v);
}

/* What nodes and the kernel keep of a tree is true of the next one. */
static void test_a_tree_made_again_is_the_same(void)
{
    struct view *v[MANY];
    struct trees trees;
    trees_init(&trees, 0);
    make_all(&trees, v);
    struct tree *first;
    CHECK_INT(tree_new(v[0]->snapshot, &first), 0);
    CHECK(v[0]->tree == NULL);
    CHECK_INT(view_open(v[0]), 0);
    const struct tree *again = v[0]->tree;
    CHECK_INT(again->count, first->count);
    CHECK_INT(again->count, v[0]->count);
    for (uint32_t i = 0; i < first->count; i++) {
        const struct entry *a = &first->entries[i], *b = &again->entries[i];
        CHECK(a->cookie == b->cookie && a->parent == b->parent && a->kind == b->kind);
        CHECK_BYTES(b->name, b->name_len, a->name, a->name_len);
        if (a->kind == ENTRY_FILE)
            CHECK_BYTES(b->data, b->size, a->data, a->size);
    }
    free(first);
    free_all(&trees, v);
}

int main(void)
{
    test_the_last_used_are_held();
    test_two_are_held_whatever_their_size();
    test_a_pinned_one_is_held();
    test_a_tree_made_again_is_the_same();
    return check_report();
}
