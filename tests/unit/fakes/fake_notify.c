#include "fake_notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { NAME_SIZE_MAX = 256, TID = 4242 };

struct told {
    enum fake_told what;
    uint64_t parent, node;
    char name[NAME_SIZE_MAX], path[NAME_SIZE_MAX];
};

struct store {
    STAILQ_ENTRY(store) next;
    const struct notify_file *files;
    size_t count;
    void (*done)(void *arg);
    void *arg;
};

struct notify {
    struct told told[FAKE_TOLD_MAX];
    unsigned count;
    unsigned full_at; /* count from which on it is full */
    STAILQ_HEAD(, store) stores;
};

int notify_new(struct loop *loop, struct log *log, struct notify **out)
{
    (void)loop, (void)log;
    struct notify *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    n->full_at = UINT32_MAX;
    STAILQ_INIT(&n->stores);
    *out = n;
    return 0;
}

void notify_free(struct notify *n)
{
    while (!STAILQ_EMPTY(&n->stores))
        fake_store_arrives(n);
    free(n);
}

static void tell(struct notify *n, struct told told, const char *name, const char *path)
{
    if (n->count == FAKE_TOLD_MAX) {
        fprintf(stderr, "the kernel is told without end\n");
        abort();
    }
    snprintf(told.name, sizeof told.name, "%s", name);
    snprintf(told.path, sizeof told.path, "%s", path);
    n->told[n->count++] = told;
}

void notify_name(struct notify *n, uint64_t parent, const char *name)
{
    tell(n, (struct told){.what = TOLD_NAME, .parent = parent}, name, "");
}

void notify_expire(struct notify *n, uint64_t parent, const char *name)
{
    tell(n, (struct told){.what = TOLD_EXPIRE, .parent = parent}, name, "");
}

void notify_inode(struct notify *n, uint64_t node, bool data)
{
    tell(n, (struct told){.what = data ? TOLD_DATA : TOLD_INODE, .node = node}, "", "");
}

void notify_deleted(struct notify *n, uint64_t parent, uint64_t child, const char *name)
{
    tell(n, (struct told){.what = TOLD_DELETED, .parent = parent, .node = child}, name, "");
}

void notify_removed(struct notify *n, uint64_t parent, uint64_t child, const char *name,
                    const char *path)
{
    tell(n, (struct told){.what = TOLD_REMOVED, .parent = parent, .node = child}, name, path);
}

void notify_store(struct notify *n, const struct notify_file *files, size_t count,
                  void (*done)(void *arg), void *arg)
{
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->files = files;
    s->count = count;
    s->done = done;
    s->arg = arg;
    STAILQ_INSERT_TAIL(&n->stores, s, next);
}

void notify_poll(struct fuse_pollhandle *handle)
{
    (*handle->woken)++;
    free(handle);
}

bool notify_is_full(const struct notify *n)
{
    return n->count >= n->full_at;
}

pid_t notify_tid(const struct notify *n)
{
    (void)n;
    return TID;
}

struct fuse_pollhandle *fake_pollhandle(unsigned *woken)
{
    struct fuse_pollhandle *handle = calloc(1, sizeof *handle);
    if (handle == NULL)
        abort();
    handle->woken = woken;
    return handle;
}

unsigned fake_told_name(const struct notify *n, enum fake_told what, uint64_t parent,
                        const char *name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n->count; i++)
        count += n->told[i].what == what && n->told[i].parent == parent &&
                 strcmp(n->told[i].name, name) == 0;
    return count;
}

unsigned fake_told_inode(const struct notify *n, enum fake_told what, uint64_t node)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n->count; i++)
        count += n->told[i].what == what && n->told[i].node == node;
    return count;
}

unsigned fake_told(const struct notify *n, enum fake_told what)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n->count; i++)
        count += n->told[i].what == what;
    return count;
}

unsigned fake_told_all(const struct notify *n)
{
    return n->count;
}

/* The last that tells of the end of a directory. */
static const struct told *last_end(const struct notify *n)
{
    static const struct told none;
    for (unsigned i = n->count; i-- > 0;)
        if (n->told[i].what == TOLD_DELETED || n->told[i].what == TOLD_REMOVED)
            return &n->told[i];
    return &none;
}

uint64_t fake_told_child(const struct notify *n)
{
    return last_end(n)->node;
}

const char *fake_told_path(const struct notify *n)
{
    return last_end(n)->path;
}

void fake_notify_clear(struct notify *n)
{
    n->count = 0;
}

void fake_notify_set_full(struct notify *n, bool full)
{
    n->full_at = full ? 0 : UINT32_MAX;
}

void fake_notify_full_after(struct notify *n, unsigned more)
{
    n->full_at = n->count + more;
}

unsigned fake_stores(const struct notify *n)
{
    unsigned count = 0;
    for (const struct store *s = STAILQ_FIRST(&n->stores); s != NULL; s = STAILQ_NEXT(s, next))
        count++;
    return count;
}

size_t fake_store_count(const struct notify *n)
{
    return STAILQ_EMPTY(&n->stores) ? 0 : STAILQ_FIRST(&n->stores)->count;
}

const struct notify_file *fake_store_file(const struct notify *n, size_t i)
{
    return &STAILQ_FIRST(&n->stores)->files[i];
}

void fake_store_arrives(struct notify *n)
{
    struct store *s = STAILQ_FIRST(&n->stores);
    if (s == NULL)
        return;
    STAILQ_REMOVE_HEAD(&n->stores, next);
    s->done(s->arg);
    free(s);
}
