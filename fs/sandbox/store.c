#include "store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "database.h"

enum { STORE_BATCH = 500 }; /* connectors in one transaction of a round */

struct store {
    struct database database;
};

/* Reads the columns in the order of COLUMNS. */
static int store_row(struct store *s, enum statement which, store_row_fn *row, void *arg)
{
    sqlite3_stmt *q = s->database.stmt[which];
    const struct record r = {
        .id = database_text(q, 0),
        .user_id = database_text(q, 1),
        .org_id = database_text(q, 2),
        .label = database_text(q, 3),
        .type = database_text(q, 4),
        .description = database_text(q, 5),
        .config = database_text(q, 6),
        .last_sync_status = database_text(q, 7),
        .last_sync_error_msg = database_text(q, 8),
        .created_at = sqlite3_column_int64(q, 9),
        .updated_at = sqlite3_column_int64(q, 10),
        .last_sync_at = sqlite3_column_int64(q, 11),
        .last_sync_count = sqlite3_column_int64(q, 12),
        .files_count = sqlite3_column_int64(q, 13),
        .revision = sqlite3_column_int64(q, 14),
        .changed_at = sqlite3_column_int64(q, 15),
        .share_with_org = sqlite3_column_int(q, 16) != 0,
        .archived = sqlite3_column_int(q, 17) != 0,
        .deleting = sqlite3_column_int(q, 18) != 0,
    };
    if (!r.id || !r.user_id || !r.org_id || !r.label || !r.type || !r.config)
        return -ENOMEM;
    return row(arg, &r);
}

static int store_emit(struct store *s, const char *id, store_row_fn *row, void *arg)
{
    database_bind(&s->database, SQL_GET, 1, id);
    int got = database_step(&s->database, SQL_GET);
    if (got <= 0)
        return got < 0 ? got : -ENOENT;
    int err = store_row(s, SQL_GET, row, arg);
    database_reset(&s->database, SQL_GET);
    return err;
}

static int store_state(struct store *s, const char *id, bool *archived, bool *deleting)
{
    database_bind(&s->database, SQL_STATE, 1, id);
    int got = database_step(&s->database, SQL_STATE);
    if (got <= 0)
        return got < 0 ? got : -ENOENT;
    *archived = sqlite3_column_int(s->database.stmt[SQL_STATE], 0) != 0;
    *deleting = sqlite3_column_int(s->database.stmt[SQL_STATE], 1) != 0;
    database_reset(&s->database, SQL_STATE);
    return 0;
}

static int store_put(struct store *s, const struct record *r)
{
    const char *const texts[] = {r->id,
                                 r->user_id,
                                 r->org_id,
                                 r->label,
                                 r->type,
                                 r->description,
                                 r->config,
                                 r->last_sync_status,
                                 r->last_sync_error_msg};
    const int64_t numbers[] = {r->created_at,   r->updated_at,
                               r->last_sync_at, r->last_sync_count,
                               r->files_count,  s->database.version.counter + 1,
                               r->changed_at,   r->share_with_org,
                               r->archived,     r->deleting};
    int at = 1;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        database_bind(&s->database, SQL_INSERT, at++, texts[i]);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        database_bind_int(&s->database, SQL_INSERT, at++, numbers[i]);
    return database_step(&s->database, SQL_INSERT);
}

int store_open(const char *path, struct store **out)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    int err = database_open(path, &s->database);
    if (err) {
        free(s);
        return err;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    database_close(&s->database);
    free(s);
}

int store_fill(struct store *s, uint64_t n, store_make_fn *make, void *arg)
{
    int err = database_begin(&s->database);
    if (err)
        return err;
    int used = database_step(&s->database, SQL_USED);
    if (used > 0)
        database_reset(&s->database, SQL_USED);
    err = used < 0 ? used : 0;
    int64_t newest = 0;
    for (uint64_t i = 0; !err && used == 0 && i < n; i++) {
        struct record r;
        err = make(arg, i, &r);
        if (!err)
            err = store_put(s, &r);
        if (!err && r.changed_at > newest)
            newest = r.changed_at;
    }
    /* Seeded data is as old as its newest record says, not as the database's file. */
    bool changed = !err && used == 0 && n > 0;
    if (changed)
        s->database.version.changed_at = newest;
    return database_end(&s->database, err, changed, newest);
}

void store_version(struct store *s, struct list_version *out)
{
    database_lock(&s->database);
    *out = s->database.version;
    database_unlock(&s->database);
}

int store_list(struct store *s, store_row_fn *row, void *arg, struct list_version *v)
{
    database_lock(&s->database);
    int err;
    while ((err = database_step(&s->database, SQL_LIST)) == 1) {
        err = store_row(s, SQL_LIST, row, arg);
        if (err) {
            database_reset(&s->database, SQL_LIST);
            break;
        }
    }
    *v = s->database.version;
    database_unlock(&s->database);
    return err;
}

int store_get(struct store *s, const char *id, store_row_fn *row, void *arg)
{
    database_lock(&s->database);
    int err = store_emit(s, id, row, arg);
    database_unlock(&s->database);
    return err;
}

int store_insert(struct store *s, const struct record *r, store_row_fn *row, void *arg)
{
    int err = database_begin(&s->database);
    if (err)
        return err;
    err = store_put(s, r);
    if (!err)
        err = store_emit(s, r->id, row, arg);
    return database_end(&s->database, err, true, r->changed_at);
}

int store_update(struct store *s, const char *id, const struct store_edit *e, int64_t now,
                 store_row_fn *row, void *arg)
{
    int err = database_begin(&s->database);
    if (err)
        return err;
    bool archived, deleting;
    err = store_state(s, id, &archived, &deleting);
    if (!err && deleting)
        err = -EBUSY;
    if (!err) {
        database_bind(&s->database, SQL_UPDATE, 1, id);
        database_bind(&s->database, SQL_UPDATE, 2, e->label);
        database_bind(&s->database, SQL_UPDATE, 3, e->description);
        database_bind(&s->database, SQL_UPDATE, 4, e->config);
        database_bind_int(&s->database, SQL_UPDATE, 5, e->share_with_org);
        database_bind_int(&s->database, SQL_UPDATE, 6, now);
        database_bind_int(&s->database, SQL_UPDATE, 7, s->database.version.counter + 1);
        err = database_step(&s->database, SQL_UPDATE);
    }
    if (!err)
        err = store_emit(s, id, row, arg);
    return database_end(&s->database, err, true, now);
}

int store_archive(struct store *s, const char *id, int64_t now, store_row_fn *row, void *arg)
{
    int err = database_begin(&s->database);
    if (err)
        return err;
    bool archived = true, deleting;
    err = store_state(s, id, &archived, &deleting);
    if (!err && deleting)
        err = -EBUSY;
    if (!err && !archived) {
        database_bind(&s->database, SQL_ARCHIVE, 1, id);
        database_bind_int(&s->database, SQL_ARCHIVE, 2, now);
        database_bind_int(&s->database, SQL_ARCHIVE, 3, s->database.version.counter + 1);
        err = database_step(&s->database, SQL_ARCHIVE);
    }
    if (!err)
        err = store_emit(s, id, row, arg);
    return database_end(&s->database, err, !archived, now);
}

int store_hard_delete(struct store *s, const char *id, int64_t now)
{
    int err = database_begin(&s->database);
    if (err)
        return err;
    bool archived, deleting = true;
    err = store_state(s, id, &archived, &deleting);
    if (!err && !deleting) {
        database_bind(&s->database, SQL_MARK, 1, id);
        err = database_step(&s->database, SQL_MARK);
    }
    return database_end(&s->database, err, false, now); /* the mark is in no answer */
}

/* The batch of marked connectors after seq *from: removes the finished, shrinks the others.
 * Returns 1 and moves *from on, or 0 when there was none. */
static int store_reap_batch(struct store *s, int64_t files, int64_t now, int64_t *from)
{
    int err = database_begin(&s->database);
    if (err)
        return err;
    int64_t to = 0;
    database_bind_int(&s->database, SQL_BATCH, 1, *from);
    database_bind_int(&s->database, SQL_BATCH, 2, STORE_BATCH);
    int got = database_step(&s->database, SQL_BATCH);
    if (got > 0) {
        to = sqlite3_column_int64(s->database.stmt[SQL_BATCH],
                                  0); /* NULL, hence 0, when there is none */
        database_reset(&s->database, SQL_BATCH);
    }
    err = got < 0 ? got : 0;
    bool changed = false;
    if (!err && to > 0) {
        database_bind_int(&s->database, SQL_REMOVE, 1, *from);
        database_bind_int(&s->database, SQL_REMOVE, 2, to);
        database_bind_int(&s->database, SQL_REMOVE, 3, files);
        err = database_step(&s->database, SQL_REMOVE);
        changed = sqlite3_changes(s->database.db) > 0;
    }
    if (!err && to > 0 && files > 0) {
        database_bind_int(&s->database, SQL_SHRINK, 1, *from);
        database_bind_int(&s->database, SQL_SHRINK, 2, to);
        database_bind_int(&s->database, SQL_SHRINK, 3, files);
        database_bind_int(&s->database, SQL_SHRINK, 4, s->database.version.counter + 1);
        database_bind_int(&s->database, SQL_SHRINK, 5, now);
        err = database_step(&s->database, SQL_SHRINK);
        changed = changed || sqlite3_changes(s->database.db) > 0;
    }
    err = database_end(&s->database, err, changed, now);
    *from = to;
    return err ? err : to > 0;
}

int store_reap(struct store *s, int64_t files, int64_t now, bool *left)
{
    int64_t from = 0;
    int got;
    do {
        got = store_reap_batch(s, files, now, &from);
    } while (got > 0);
    if (got < 0)
        return got;
    database_lock(&s->database);
    got = database_step(&s->database, SQL_LEFT);
    if (got > 0)
        database_reset(&s->database, SQL_LEFT);
    database_unlock(&s->database);
    *left = got > 0;
    return got < 0 ? got : 0;
}
