/*
 * A tree is made in two steps. First come the drafts of its entries, breadth first, so that the
 * drafts are their own queue and the children of a directory lie together; then all is copied into
 * the one allocation of the tree. A draft holds offsets into a buffer of names and contents, which
 * moves as it grows.
 */
#include "bigdatafs/connector/tree.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/hash.h"
#include "bigdatafs/connector/name.h"
#include "json.h"

enum {
    BYTES_MAX = 64 << 20, /* bytes of the names and contents of one connector */
    INDENT_MAX = 8 << 20, /* bytes that pretty-printing may add to deeply nested JSON */
    SOURCE_MAX = 2 << 20, /* bytes of a member's name that is made into a file name */
    FIRST_DRAFTS = 64,
    NUMBER_SIZE = 32, /* of a number's text, with the NUL */
};

static const double exact_max = 9007199254740992.0; /* 2^53: integers up to it have no gaps */

struct draft {
    uint64_t cookie;
    const cJSON *item; /* a directory's object */
    size_t name;       /* offset of its name in the maker's bytes */
    size_t data;       /* offset of a file's content in the maker's bytes */
    uint32_t order;    /* the place in its directory, as served */
    uint32_t size;     /* of a file's content */
    uint32_t parent;
    uint32_t first;
    uint32_t count;
    uint16_t name_len;
    uint8_t kind;
    uint8_t depth;
    bool synced;
};

struct maker {
    struct draft *drafts;
    uint32_t count;
    uint32_t cap;
    struct buf bytes;  /* names and contents */
    struct buf source; /* the name of a member that is made into a file name */
    bool nul;          /* the bytes C0 80 in strings mean NUL */
};

/* Numbers */

/* cJSON prints 2^53 as 9.00719925474099e+15: it compares with a tolerance. The shortest text that
 * reads back as the same number is printed here instead. The program never leaves the C locale. */
static void number_text(double value, char out[static NUMBER_SIZE])
{
    if (value < -DBL_MAX || value > DBL_MAX) {
        snprintf(out, NUMBER_SIZE, "%s", value < 0 ? "-1e999" : "1e999");
    } else if (value >= -exact_max && value <= exact_max && value == (double)(int64_t)value) {
        snprintf(out, NUMBER_SIZE, "%.0f", value);
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(out, NUMBER_SIZE, "%.*g", digits, value);
            if (strtod(out, NULL) == value)
                break;
        }
    }
}

/* Gives every number in item its text, which cJSON then prints as it is, and adds to *indent the
 * bytes of indentation that a pretty text of item has at most. The recursion ends at
 * CJSON_NESTING_LIMIT, past which cJSON does not parse. */
static int prepare(cJSON *item, size_t depth, size_t *indent)
{
    *indent += depth + 1;
    if (*indent > INDENT_MAX)
        return -EFBIG;
    if (cJSON_IsNumber(item)) {
        char text[NUMBER_SIZE];
        number_text(item->valuedouble, text);
        item->valuestring = cJSON_malloc(strlen(text) + 1);
        if (item->valuestring == NULL)
            return -ENOMEM;
        memcpy(item->valuestring, text, strlen(text) + 1);
        item->type = cJSON_Raw;
        return 0;
    }
    for (cJSON *child = item->child; child != NULL; child = child->next) {
        int err = prepare(child, depth + 1, indent);
        if (err < 0)
            return err;
    }
    return 0;
}

/* Contents */

/* Appends text, with nul_text in the place of each C0 80 that means NUL. */
static int put_text(const struct maker *m, struct buf *to, const char *text, const char *nul_text,
                    size_t nul_len)
{
    const char *stop;
    while (m->nul && (stop = strstr(text, "\xc0\x80")) != NULL) {
        int err = buf_append(to, text, (size_t)(stop - text));
        if (err == 0)
            err = buf_append(to, nul_text, nul_len);
        if (err < 0)
            return err;
        text = stop + 2;
    }
    return buf_puts(to, text);
}

static int put_scalar_line(struct maker *m, const cJSON *item)
{
    int err = 0;
    if (cJSON_IsString(item))
        err = put_text(m, &m->bytes, item->valuestring, "", 1);
    else if (cJSON_IsRaw(item))
        err = buf_puts(&m->bytes, item->valuestring);
    else if (cJSON_IsBool(item))
        err = buf_puts(&m->bytes, cJSON_IsTrue(item) ? "true" : "false");
    return err < 0 ? err : buf_append(&m->bytes, "\n", 1);
}

/* Appends item as JSON text, which probably takes about hint bytes. */
static int put_pretty(struct maker *m, const cJSON *item, size_t hint)
{
    char *text = cJSON_PrintBuffered(item, (int)hint, true);
    if (text == NULL)
        return -ENOMEM;
    int err = put_text(m, &m->bytes, text, "\\u0000", 6);
    cJSON_free(text);
    return err < 0 ? err : buf_append(&m->bytes, "\n", 1);
}

static bool is_container(const cJSON *item)
{
    return cJSON_IsObject(item) || cJSON_IsArray(item);
}

/* Whether a member's value is shown as JSON text, in NAME.json. */
static bool needs_json(const cJSON *item, unsigned depth)
{
    if (cJSON_IsObject(item))
        return depth > TREE_DEPTH_MAX;
    if (!cJSON_IsArray(item))
        return false;
    for (const cJSON *child = item->child; child != NULL; child = child->next)
        if (is_container(child))
            return true;
    return false;
}

static int put_content(struct maker *m, const cJSON *item, bool json)
{
    if (json)
        return put_pretty(m, item, 256);
    if (cJSON_IsNull(item))
        return 0;
    if (!cJSON_IsArray(item))
        return put_scalar_line(m, item);
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        int err = put_scalar_line(m, child);
        if (err < 0)
            return err;
    }
    return 0;
}

/* Drafts */

static int put_name(struct maker *m, struct draft *d, const char *name, size_t len)
{
    d->name = m->bytes.len;
    d->name_len = (uint16_t)len;
    d->cookie = tree_cookie(name, len);
    return buf_append(&m->bytes, name, len + 1);
}

/* *out is the new last draft, zero but for its order. The other drafts may have moved. */
static int add_draft(struct maker *m, uint32_t order, struct draft **out)
{
    if (m->count == TREE_ENTRIES_MAX)
        return -EFBIG;
    if (m->count == m->cap) {
        uint32_t cap = m->cap > 0 ? m->cap * 2 : FIRST_DRAFTS;
        struct draft *grown = reallocarray(m->drafts, cap, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        m->drafts = grown;
        m->cap = cap;
    }
    *out = &m->drafts[m->count++];
    **out = (struct draft){.order = order};
    return 0;
}

/* connector.json comes first in its directory, so that it keeps its name and a member of that name
 * gets a number. */
static int add_connector_json(struct maker *m, const cJSON *root, size_t text_len)
{
    static const char name[] = "connector.json";
    struct draft *d;
    int err = add_draft(m, 0, &d);
    if (err == 0)
        err = put_name(m, d, name, sizeof name - 1);
    if (err < 0)
        return err;
    d->kind = ENTRY_FILE;
    d->data = m->bytes.len;
    err = put_pretty(m, root, 2 * text_len);
    d->size = (uint32_t)(m->bytes.len - d->data);
    return err;
}

static int add_member(struct maker *m, uint32_t parent, uint32_t order, const cJSON *item)
{
    uint8_t depth = (uint8_t)(m->drafts[parent].depth + 1);
    bool json = needs_json(item, depth);
    buf_reset(&m->source);
    int err = put_text(m, &m->source, item->string, "", 1);
    if (err == 0 && json)
        err = buf_puts(&m->source, ".json");
    struct draft *d = NULL;
    if (err == 0)
        err = add_draft(m, order, &d);
    char name[NAME_SIZE];
    if (err == 0)
        err = put_name(m, d, name, name_escape(m->source.data, m->source.len, name));
    if (err < 0)
        return err;
    d->parent = parent;
    d->synced = parent == 0 && strncmp(item->string, "last_sync_", 10) == 0;
    if (cJSON_IsObject(item) && !json) {
        d->kind = ENTRY_DIR;
        d->depth = depth;
        d->item = item;
        return 0;
    }
    d->kind = ENTRY_FILE;
    d->data = m->bytes.len;
    err = put_content(m, item, json);
    d->size = (uint32_t)(m->bytes.len - d->data);
    return err;
}

/* Order in a directory */

/* For qsort_r: by cookie, then name, then place as served. */
static int compare(const void *left, const void *right, void *bytes)
{
    const struct draft *a = left;
    const struct draft *b = right;

    if (a->cookie != b->cookie)
        return a->cookie < b->cookie ? -1 : 1;
    int by_name = strcmp((const char *)bytes + a->name, (const char *)bytes + b->name);
    if (by_name != 0)
        return by_name;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Of drafts with one name, which lie together in the order that they were served in, the second and
 * the later ones get a number. *numbered tells whether there was one. */
static int number_duplicates(struct maker *m, struct draft *d, uint32_t count, bool *numbered)
{
    unsigned nth = 1;
    size_t base = count > 0 ? d[0].name : 0; /* the name that is compared with */
    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(m->bytes.data + d[i].name, m->bytes.data + base) != 0) {
            base = d[i].name;
            nth = 1;
            continue;
        }
        char name[NAME_SIZE];
        memcpy(name, m->bytes.data + base, d[i].name_len + 1u);
        int err = put_name(m, &d[i], name, name_number(name, ++nth));
        if (err < 0)
            return err;
        *numbered = true;
    }
    return 0;
}

/* Brings the children of one directory into their order, with names and cookies that are unique. */
static int arrange(struct maker *m, struct draft *d, uint32_t count)
{
    qsort_r(d, count, sizeof *d, compare, m->bytes.data);
    bool numbered = false;
    int err = number_duplicates(m, d, count, &numbered);
    if (err < 0)
        return err;
    if (numbered)
        qsort_r(d, count, sizeof *d, compare, m->bytes.data);
    for (uint32_t i = 1; i < count; i++)
        if (d[i].cookie <= d[i - 1].cookie)
            d[i].cookie = d[i - 1].cookie + 1;
    return 0;
}

static int add_children(struct maker *m, uint32_t dir, const cJSON *object, size_t text_len)
{
    uint32_t first = m->count;
    uint32_t order = 1;
    int err = dir == 0 ? add_connector_json(m, object, text_len) : 0;
    for (const cJSON *item = object->child; err == 0 && item != NULL; item = item->next)
        err = add_member(m, dir, order++, item);
    if (err == 0)
        err = arrange(m, m->drafts + first, m->count - first);
    m->drafts[dir].first = first;
    m->drafts[dir].count = m->count - first;
    return err;
}

/* The tree */

static int make_drafts(struct maker *m, cJSON *root, size_t text_len)
{
    size_t indent = 0;
    int err = prepare(root, 0, &indent);
    struct draft *top;
    if (err == 0)
        err = add_draft(m, 0, &top);
    if (err < 0)
        return err;
    top->kind = ENTRY_DIR;
    top->item = root;
    err = buf_append(&m->bytes, "", 1); /* its name, at offset 0 */
    for (uint32_t i = 0; err == 0 && i < m->count; i++)
        if (m->drafts[i].kind == ENTRY_DIR)
            err = add_children(m, i, m->drafts[i].item, text_len);
    return err;
}

/* Copies the drafts and their bytes into a tree; NULL for want of memory. */
static struct tree *make_tree(const struct maker *m)
{
    size_t head = sizeof(struct tree) + m->count * sizeof(struct entry);
    size_t size = head + m->bytes.len; /* far below 2^32 by the maxima */
    struct tree *t = malloc(size);
    if (t == NULL)
        return NULL;
    char *bytes = (char *)t + head;
    memcpy(bytes, m->bytes.data, m->bytes.len);
    t->count = m->count;
    t->size = (uint32_t)size;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct draft *d = &m->drafts[i];
        t->entries[i] = (struct entry){
            .cookie = d->cookie,
            .name = bytes + d->name,
            .data = d->kind == ENTRY_FILE ? bytes + d->data : NULL,
            .size = d->size,
            .parent = d->parent,
            .first = d->first,
            .count = d->count,
            .name_len = d->name_len,
            .kind = d->kind,
            .synced = d->synced,
        };
    }
    return t;
}

int tree_new(const struct snapshot *s, struct tree **out)
{
    struct maker m = {0};
    cJSON *root;
    int err = json_parse(s->text, s->text_len, &m.nul, &root);
    if (err < 0)
        return err;
    buf_init(&m.bytes, BYTES_MAX);
    buf_init(&m.source, SOURCE_MAX);
    err = make_drafts(&m, root, s->text_len);
    if (err == 0) {
        struct tree *t = make_tree(&m);
        if (t != NULL)
            *out = t;
        else
            err = -ENOMEM;
    }
    cJSON_Delete(root);
    buf_free(&m.bytes);
    buf_free(&m.source);
    free(m.drafts);
    return err;
}

uint64_t tree_cookie(const char *name, size_t len)
{
    /* Room is left at the top for the entries of a directory that a collision moves up. */
    const uint64_t range = (uint64_t)INT64_MAX - 2 - TREE_ENTRIES_MAX;
    return 3 + hash_bytes(name, len, 0) % range;
}

int tree_find(const struct tree *t, uint32_t dir, const char *name, size_t len)
{
    uint64_t cookie = tree_cookie(name, len);
    const struct entry *parent = &t->entries[dir];
    uint32_t low = parent->first;
    uint32_t end = parent->first + parent->count;
    uint32_t high = end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->entries[middle].cookie < cookie)
            low = middle + 1;
        else
            high = middle;
    }
    /* Between a name's own cookie and the place that collisions moved it to there is no gap. */
    for (; low < end && t->entries[low].cookie == cookie; low++, cookie++) {
        const struct entry *e = &t->entries[low];
        if (e->name_len == len && memcmp(e->name, name, len) == 0)
            return (int)low;
    }
    return -ENOENT;
}
