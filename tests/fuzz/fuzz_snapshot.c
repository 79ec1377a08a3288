/* Whatever snapshot_parse takes, its tree is sound and safe to show. */
#include <string.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/name.h"
#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/connector/tree.h"
#include "fuzz.h"

#define ID "\"connector_id\":\"019a9612-bfad-758c-884e-37dd8c6ad2cb\""

const char *const fuzz_seeds[] = {
    "",
    "{" ID "}",
    "{" ID ",\"label\":\"a\\u0000b\",\"archived\":true,\"files_count\":9007199254740992,"
    "\"config\":{\"allowed_emails\":[\"x\",null,1.5],\"email\":\"y\",\"deep\":{\"er\":{}}}}",
    "{" ID ",\"created_at\":\"2026-02-11T11:01:09.574095Z\",\"updated_at\":null,"
    "\"last_sync_at\":\"2026-04-07T09:36:34+02:00\",\"last_sync_count\":3200}",
    "{" ID ",\"\":1,\"\":2,\".\":3,\"..\":4,\"a/b\":[[1],{\"a\":[]}],\"connector.json\":5,"
    "\"\\ud83d\":\"\\ud83d\\ude00\",\"\\u0000\":[{\"\\u0000\":\"\\u0000\"}]}",
    "{" ID ",\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}",
    NULL,
};

static void check_name(const struct entry *e)
{
    MUST(strlen(e->name) == e->name_len);
    MUST(e->name_len >= 1 && e->name_len <= NAME_MAX_BYTES);
    MUST(e->name[0] != '.' && strchr(e->name, '/') == NULL);
    for (size_t i = 0; i < e->name_len; i++)
        MUST((unsigned char)e->name[i] >= 0x20 && e->name[i] != 0x7f);
}

static void check_dir(const struct tree *t, uint32_t dir, uint32_t first)
{
    const struct entry *d = &t->entries[dir];
    MUST(d->data == NULL && d->first == first && d->count <= t->count - first);
    for (uint32_t i = first; i < first + d->count; i++) {
        const struct entry *e = &t->entries[i];
        check_name(e);
        MUST(e->parent == dir);
        MUST(e->cookie > 2 && e->cookie < (uint64_t)1 << 63);
        MUST(i == first || e[-1].cookie < e->cookie);
        MUST(tree_find(t, dir, e->name, e->name_len) == (int)i);
        MUST(e->kind == ENTRY_DIR || (e->kind == ENTRY_FILE && e->data != NULL));
        /* Sanitizers see whether every byte is there to be read. */
        uint64_t hash = e->data != NULL ? hash_bytes(e->data, e->size, 0) : 0;
        MUST(hash == (e->data != NULL ? hash_bytes(e->data, e->size, 0) : 0));
    }
}

static void check_tree(const struct tree *t)
{
    uint32_t next = 1;
    MUST(t->count >= 3 && t->entries[0].kind == ENTRY_DIR);
    for (uint32_t dir = 0; dir < t->count; dir++) {
        if (t->entries[dir].kind != ENTRY_DIR)
            continue;
        check_dir(t, dir, next);
        next += t->entries[dir].count;
    }
    MUST(next == t->count);

    int json = tree_find(t, 0, "connector.json", 14);
    MUST(json > 0);
    const struct entry *e = &t->entries[json];
    MUST(e->size > 2 && e->data[0] == '{' && e->data[e->size - 1] == '\n');
    MUST(memchr(e->data, '\0', e->size) == NULL);

    /* The text of connector.json is a snapshot itself. */
    struct snapshot *again;
    MUST(snapshot_parse(e->data, e->size, &again) == 0);
    snapshot_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snapshot *s;
    if (snapshot_parse((const char *)data, size, &s) < 0)
        return 0;
    MUST(snapshot_ref(s) == s);
    snapshot_unref(s);
    MUST(uuid_is_valid(s->id));
    MUST(snapshot_updated_at(s).tv_nsec >= 0 && snapshot_updated_at(s).tv_nsec < 1000000000);
    MUST(snapshot_has_text(s, (const char *)data, size));
    struct tree *t;
    MUST(tree_new(s, &t) == 0);
    snapshot_unref(s);
    check_tree(t);
    free(t);
    return 0;
}
