#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identifier.h"
#include "timestamp.h"

enum {
    STORE_APPLICATION = 0x62646673, /* "bdfs", SQLite's application_id of our files */
    STORE_BATCH = 500,              /* connectors in one transaction of a round */
};

#define COLUMNS                                                                                    \
    "id, user_id, org_id, label, type, description, config, last_sync_status, "                    \
    "last_sync_error_msg, created_at, updated_at, last_sync_at, last_sync_count, files_count, "    \
    "revision, changed_at, share_with_org, archived, deleting"

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE meta(instance TEXT NOT NULL, counter INTEGER NOT NULL,"
    " changed_at INTEGER NOT NULL);"
    "CREATE TABLE connectors(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " user_id TEXT NOT NULL, org_id TEXT NOT NULL, label TEXT NOT NULL, type TEXT NOT NULL,"
    " description TEXT, config TEXT NOT NULL, last_sync_status TEXT, last_sync_error_msg TEXT,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_sync_at INTEGER NOT NULL,"
    " last_sync_count INTEGER NOT NULL, files_count INTEGER NOT NULL, revision INTEGER NOT NULL,"
    " changed_at INTEGER NOT NULL, share_with_org INTEGER NOT NULL, archived INTEGER NOT NULL,"
    " deleting INTEGER NOT NULL);"
    "CREATE INDEX connectors_deleting ON connectors(deleting) WHERE deleting = 1;"
    "INSERT INTO meta VALUES(lower(hex(randomblob(8))), 1,"
    " CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER));"
    "PRAGMA user_version = 1;"
    "PRAGMA application_id = 0x62646673;"
    "COMMIT;";

enum statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_META_GET,
    SQL_META_SET,
    SQL_USED,
    SQL_LIST,
    SQL_GET,
    SQL_STATE,
    SQL_INSERT,
    SQL_UPDATE,
    SQL_ARCHIVE,
    SQL_MARK,
    SQL_BATCH,
    SQL_REMOVE,
    SQL_SHRINK,
    SQL_LEFT,
    SQL_COUNT
};

static const char *const sql[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_META_GET] = "SELECT instance, counter, changed_at FROM meta",
    [SQL_META_SET] = "UPDATE meta SET counter = ?, changed_at = ?",
    [SQL_USED] = "SELECT 1 FROM sqlite_sequence WHERE name = 'connectors'",
    [SQL_LIST] = "SELECT " COLUMNS " FROM connectors ORDER BY seq",
    [SQL_GET] = "SELECT " COLUMNS " FROM connectors WHERE id = ?",
    [SQL_STATE] = "SELECT archived, deleting FROM connectors WHERE id = ?",
    [SQL_INSERT] = "INSERT INTO connectors(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                   " ?, ?, ?, ?, ?, ?, ?)",
    [SQL_UPDATE] = "UPDATE connectors SET label = ?2, description = ?3, config = ?4,"
                   " share_with_org = ?5, updated_at = ?6, revision = ?7, changed_at = ?6"
                   " WHERE id = ?1",
    [SQL_ARCHIVE] = "UPDATE connectors SET archived = 1, updated_at = ?2, revision = ?3,"
                    " changed_at = ?2 WHERE id = ?1",
    [SQL_MARK] = "UPDATE connectors SET deleting = 1 WHERE id = ?",
    [SQL_BATCH] = "SELECT max(seq) FROM (SELECT seq FROM connectors WHERE deleting = 1 AND"
                  " seq > ?1 ORDER BY seq LIMIT ?2)",
    [SQL_REMOVE] = "DELETE FROM connectors WHERE deleting = 1 AND seq > ?1 AND seq <= ?2 AND"
                   " (files_count = 0 OR ?3 < 0)",
    [SQL_SHRINK] = "UPDATE connectors SET files_count = max(0, files_count - ?3), revision = ?4,"
                   " changed_at = ?5 WHERE deleting = 1 AND seq > ?1 AND seq <= ?2",
    [SQL_LEFT] = "SELECT 1 FROM connectors WHERE deleting = 1 LIMIT 1",
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL_COUNT];
    /* Two locks make a fair one: a thread waits for its turn, then for the work under way, so the
     * worker between two batches cannot overtake a request that waits. */
    pthread_mutex_t turn;
    pthread_mutex_t work;
    struct store_version version; /* as committed */
};

static void store_lock(struct store *s)
{
    pthread_mutex_lock(&s->turn);
    pthread_mutex_lock(&s->work);
    pthread_mutex_unlock(&s->turn);
}

static void store_unlock(struct store *s)
{
    pthread_mutex_unlock(&s->work);
}

static int store_fail(const struct store *s, const char *what)
{
    fprintf(stderr, "bigdatafs-sandbox: database: %s: %s\n", what, sqlite3_errmsg(s->db));
    return -EIO;
}

/* Binds a string, which must outlive the step; binding what is static needs no memory. */
static void store_bind(struct store *s, enum statement which, int at, const char *text)
{
    (void)sqlite3_bind_text(s->stmt[which], at, text, -1, SQLITE_STATIC);
}

static void store_bind_int(struct store *s, enum statement which, int at, int64_t value)
{
    (void)sqlite3_bind_int64(s->stmt[which], at, value);
}

/* Runs a statement that has at most one row: 1 a row (to be reset), 0 none (reset), -EIO. */
static int store_step(struct store *s, enum statement which)
{
    int rc = sqlite3_step(s->stmt[which]);
    if (rc == SQLITE_ROW)
        return 1;
    int err = rc == SQLITE_DONE ? 0 : store_fail(s, sql[which]);
    (void)sqlite3_reset(s->stmt[which]);
    return err;
}

static void store_reset(struct store *s, enum statement which)
{
    (void)sqlite3_reset(s->stmt[which]);
}

/* Begins a change; the revision of what it changes is the counter plus one. */
static int change_begin(struct store *s)
{
    store_lock(s);
    int err = store_step(s, SQL_BEGIN);
    if (err)
        store_unlock(s);
    return err;
}

/* Ends the change: rolls back after an error, else commits, under a new counter if the answers to
 * clients changed. */
static int change_end(struct store *s, int err, bool changed, int64_t now)
{
    struct store_version next = s->version;
    if (!err && changed) {
        next.counter++;
        next.changed_at = now > next.changed_at ? now : next.changed_at;
        store_bind_int(s, SQL_META_SET, 1, next.counter);
        store_bind_int(s, SQL_META_SET, 2, next.changed_at);
        err = store_step(s, SQL_META_SET);
    }
    if (!err)
        err = store_step(s, SQL_COMMIT);
    if (!err)
        s->version = next;
    else if (!sqlite3_get_autocommit(s->db))
        (void)store_step(s, SQL_ROLLBACK);
    store_unlock(s);
    return err;
}

static const char *column_text(sqlite3_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}

/* Reads the columns in the order of COLUMNS. */
static int store_row(struct store *s, enum statement which, store_row_fn *row, void *arg)
{
    sqlite3_stmt *q = s->stmt[which];
    const struct record r = {
        .id = column_text(q, 0),
        .user_id = column_text(q, 1),
        .org_id = column_text(q, 2),
        .label = column_text(q, 3),
        .type = column_text(q, 4),
        .description = column_text(q, 5),
        .config = column_text(q, 6),
        .last_sync_status = column_text(q, 7),
        .last_sync_error_msg = column_text(q, 8),
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
    store_bind(s, SQL_GET, 1, id);
    int got = store_step(s, SQL_GET);
    if (got <= 0)
        return got < 0 ? got : -ENOENT;
    int err = store_row(s, SQL_GET, row, arg);
    store_reset(s, SQL_GET);
    return err;
}

static int store_state(struct store *s, const char *id, bool *archived, bool *deleting)
{
    store_bind(s, SQL_STATE, 1, id);
    int got = store_step(s, SQL_STATE);
    if (got <= 0)
        return got < 0 ? got : -ENOENT;
    *archived = sqlite3_column_int(s->stmt[SQL_STATE], 0) != 0;
    *deleting = sqlite3_column_int(s->stmt[SQL_STATE], 1) != 0;
    store_reset(s, SQL_STATE);
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
    const int64_t numbers[] = {r->created_at,      r->updated_at,     r->last_sync_at,
                               r->last_sync_count, r->files_count,    s->version.counter + 1,
                               r->changed_at,      r->share_with_org, r->archived,
                               r->deleting};
    int at = 1;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        store_bind(s, SQL_INSERT, at++, texts[i]);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        store_bind_int(s, SQL_INSERT, at++, numbers[i]);
    return store_step(s, SQL_INSERT);
}

static int store_pragma(struct store *s, const char *text, int64_t *value)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(s->db, text, -1, &stmt, NULL) != SQLITE_OK)
        return store_fail(s, text);
    int rc = sqlite3_step(stmt);
    *value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 0 : store_fail(s, text);
}

/* Creates the tables in an empty database and refuses one that belongs to another program. */
static int store_prepare_schema(struct store *s)
{
    int64_t application = 0, tables = 0;
    int err = store_pragma(s, "PRAGMA application_id", &application);
    if (!err)
        err = store_pragma(s, "SELECT count(*) FROM sqlite_master", &tables);
    if (err)
        return err;
    if (tables > 0 && application != STORE_APPLICATION) {
        fprintf(stderr, "bigdatafs-sandbox: the database belongs to another program.\n");
        return -EINVAL;
    }
    if (tables == 0 && sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s, "cannot create the tables");
    return 0;
}

static int store_read_version(struct store *s)
{
    int got = store_step(s, SQL_META_GET);
    if (got < 0)
        return got;
    sqlite3_stmt *q = s->stmt[SQL_META_GET];
    const char *instance = got > 0 ? column_text(q, 0) : NULL;
    int err = instance && strlen(instance) == STORE_INSTANCE_SIZE - 1 ? 0 : -EIO;
    if (!err) {
        memcpy(s->version.instance, instance, STORE_INSTANCE_SIZE);
        s->version.counter = sqlite3_column_int64(q, 1);
        s->version.changed_at = sqlite3_column_int64(q, 2);
    }
    store_reset(s, SQL_META_GET);
    return err;
}

static int store_setup(struct store *s, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path ? path : ":memory:", &s->db, flags, NULL) != SQLITE_OK)
        return store_fail(s, "cannot open");
    /* Exclusive: a second process would not see this one's counter. */
    static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
                                  "PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = NORMAL;";
    if (sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s, "cannot use");
    int err = store_prepare_schema(s);
    for (int i = 0; !err && i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL) !=
            SQLITE_OK)
            err = store_fail(s, sql[i]);
    /* The first write takes the exclusive lock now, not at the first request. */
    if (!err)
        err = store_step(s, SQL_BEGIN);
    if (!err)
        err = store_step(s, SQL_COMMIT);
    return err ? err : store_read_version(s);
}

int store_open(const char *path, struct store **out)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    pthread_mutex_init(&s->turn, NULL);
    pthread_mutex_init(&s->work, NULL);
    int err = store_setup(s, path);
    if (err) {
        store_close(s);
        return err;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        (void)sqlite3_finalize(s->stmt[i]);
    (void)sqlite3_close(s->db);
    pthread_mutex_destroy(&s->turn);
    pthread_mutex_destroy(&s->work);
    free(s);
}

int store_fill(struct store *s, uint64_t n, store_make_fn *make, void *arg)
{
    int err = change_begin(s);
    if (err)
        return err;
    int used = store_step(s, SQL_USED);
    if (used > 0)
        store_reset(s, SQL_USED);
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
        s->version.changed_at = newest;
    return change_end(s, err, changed, newest);
}

void store_version(struct store *s, struct store_version *out)
{
    store_lock(s);
    *out = s->version;
    store_unlock(s);
}

int store_list(struct store *s, store_row_fn *row, void *arg, struct store_version *v)
{
    store_lock(s);
    int err;
    while ((err = store_step(s, SQL_LIST)) == 1) {
        err = store_row(s, SQL_LIST, row, arg);
        if (err) {
            store_reset(s, SQL_LIST);
            break;
        }
    }
    *v = s->version;
    store_unlock(s);
    return err;
}

int store_get(struct store *s, const char *id, store_row_fn *row, void *arg)
{
    store_lock(s);
    int err = store_emit(s, id, row, arg);
    store_unlock(s);
    return err;
}

int store_insert(struct store *s, const struct record *r, store_row_fn *row, void *arg)
{
    int err = change_begin(s);
    if (err)
        return err;
    err = store_put(s, r);
    if (!err)
        err = store_emit(s, r->id, row, arg);
    return change_end(s, err, true, r->changed_at);
}

int store_update(struct store *s, const char *id, const struct store_edit *e, int64_t now,
                 store_row_fn *row, void *arg)
{
    int err = change_begin(s);
    if (err)
        return err;
    bool archived, deleting;
    err = store_state(s, id, &archived, &deleting);
    if (!err && deleting)
        err = -EBUSY;
    if (!err) {
        store_bind(s, SQL_UPDATE, 1, id);
        store_bind(s, SQL_UPDATE, 2, e->label);
        store_bind(s, SQL_UPDATE, 3, e->description);
        store_bind(s, SQL_UPDATE, 4, e->config);
        store_bind_int(s, SQL_UPDATE, 5, e->share_with_org);
        store_bind_int(s, SQL_UPDATE, 6, now);
        store_bind_int(s, SQL_UPDATE, 7, s->version.counter + 1);
        err = store_step(s, SQL_UPDATE);
    }
    if (!err)
        err = store_emit(s, id, row, arg);
    return change_end(s, err, true, now);
}

int store_archive(struct store *s, const char *id, int64_t now, store_row_fn *row, void *arg)
{
    int err = change_begin(s);
    if (err)
        return err;
    bool archived = true, deleting;
    err = store_state(s, id, &archived, &deleting);
    if (!err && deleting)
        err = -EBUSY;
    if (!err && !archived) {
        store_bind(s, SQL_ARCHIVE, 1, id);
        store_bind_int(s, SQL_ARCHIVE, 2, now);
        store_bind_int(s, SQL_ARCHIVE, 3, s->version.counter + 1);
        err = store_step(s, SQL_ARCHIVE);
    }
    if (!err)
        err = store_emit(s, id, row, arg);
    return change_end(s, err, !archived, now);
}

int store_hard_delete(struct store *s, const char *id, int64_t now)
{
    int err = change_begin(s);
    if (err)
        return err;
    bool archived, deleting = true;
    err = store_state(s, id, &archived, &deleting);
    if (!err && !deleting) {
        store_bind(s, SQL_MARK, 1, id);
        err = store_step(s, SQL_MARK);
    }
    return change_end(s, err, false, now); /* the mark is in no answer */
}

/* The batch of marked connectors after seq *from: removes the finished, shrinks the others.
 * Returns 1 and moves *from on, or 0 when there was none. */
static int store_reap_batch(struct store *s, int64_t files, int64_t now, int64_t *from)
{
    int err = change_begin(s);
    if (err)
        return err;
    int64_t to = 0;
    store_bind_int(s, SQL_BATCH, 1, *from);
    store_bind_int(s, SQL_BATCH, 2, STORE_BATCH);
    int got = store_step(s, SQL_BATCH);
    if (got > 0) {
        to = sqlite3_column_int64(s->stmt[SQL_BATCH], 0); /* NULL, hence 0, when there is none */
        store_reset(s, SQL_BATCH);
    }
    err = got < 0 ? got : 0;
    bool changed = false;
    if (!err && to > 0) {
        store_bind_int(s, SQL_REMOVE, 1, *from);
        store_bind_int(s, SQL_REMOVE, 2, to);
        store_bind_int(s, SQL_REMOVE, 3, files);
        err = store_step(s, SQL_REMOVE);
        changed = sqlite3_changes(s->db) > 0;
    }
    if (!err && to > 0 && files > 0) {
        store_bind_int(s, SQL_SHRINK, 1, *from);
        store_bind_int(s, SQL_SHRINK, 2, to);
        store_bind_int(s, SQL_SHRINK, 3, files);
        store_bind_int(s, SQL_SHRINK, 4, s->version.counter + 1);
        store_bind_int(s, SQL_SHRINK, 5, now);
        err = store_step(s, SQL_SHRINK);
        changed = changed || sqlite3_changes(s->db) > 0;
    }
    err = change_end(s, err, changed, now);
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
    store_lock(s);
    got = store_step(s, SQL_LEFT);
    if (got > 0)
        store_reset(s, SQL_LEFT);
    store_unlock(s);
    *left = got > 0;
    return got < 0 ? got : 0;
}
