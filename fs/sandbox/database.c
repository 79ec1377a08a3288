#include "database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DATABASE_APPLICATION = 0x62646673 }; /* "bdfs", SQLite's application_id of our files */

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

void database_lock(struct database *d)
{
    pthread_mutex_lock(&d->turn);
    pthread_mutex_lock(&d->work);
    pthread_mutex_unlock(&d->turn);
}

void database_unlock(struct database *d)
{
    pthread_mutex_unlock(&d->work);
}

static int report(const struct database *d, const char *what)
{
    fprintf(stderr, "bigdatafs-sandbox: database: %s: %s\n", what, sqlite3_errmsg(d->db));
    return -EIO;
}

void database_bind(struct database *d, enum statement which, int at, const char *text)
{
    (void)sqlite3_bind_text(d->stmt[which], at, text, -1, SQLITE_STATIC);
}

void database_bind_int(struct database *d, enum statement which, int at, int64_t value)
{
    (void)sqlite3_bind_int64(d->stmt[which], at, value);
}

int database_query(struct database *d, enum statement which, bool *row)
{
    int result = sqlite3_step(d->stmt[which]);
    *row = result == SQLITE_ROW;
    if (*row)
        return 0;
    int err = result == SQLITE_DONE ? 0 : report(d, sql[which]);
    database_reset(d, which);
    return err;
}

int database_run(struct database *d, enum statement which)
{
    bool row;
    int err = database_query(d, which, &row);
    if (row)
        database_reset(d, which);
    return err;
}

void database_reset(struct database *d, enum statement which)
{
    (void)sqlite3_reset(d->stmt[which]);
}

int database_begin(struct database *d)
{
    database_lock(d);
    int err = database_run(d, SQL_BEGIN);
    if (err < 0)
        database_unlock(d);
    return err;
}

int database_end(struct database *d, int err, bool changed, int64_t now)
{
    struct list_version next = d->version;
    if (err == 0 && changed) {
        next.counter++;
        next.changed_at = now > next.changed_at ? now : next.changed_at;
        database_bind_int(d, SQL_META_SET, 1, next.counter);
        database_bind_int(d, SQL_META_SET, 2, next.changed_at);
        err = database_run(d, SQL_META_SET);
    }
    if (err == 0)
        err = database_run(d, SQL_COMMIT);
    if (err == 0)
        d->version = next;
    else if (!sqlite3_get_autocommit(d->db))
        err = database_run(d, SQL_ROLLBACK) < 0 ? -EIO : err;
    database_unlock(d);
    return err;
}

int database_text(struct database *d, enum statement which, int column, const char **out)
{
    sqlite3_stmt *stmt = d->stmt[which];
    /* The type is asked first: a text that there is no memory for is no null. */
    bool null = sqlite3_column_type(stmt, column) == SQLITE_NULL;
    *out = (const char *)sqlite3_column_text(stmt, column);
    return *out == NULL && !null ? -ENOMEM : 0;
}

int64_t database_int(struct database *d, enum statement which, int column)
{
    return sqlite3_column_int64(d->stmt[which], column);
}

int database_changes(const struct database *d)
{
    return sqlite3_changes(d->db);
}

static int read_number(struct database *d, const char *text, int64_t *value)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(d->db, text, -1, &stmt, NULL) != SQLITE_OK)
        return report(d, text);
    int result = sqlite3_step(stmt);
    *value = result == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    (void)sqlite3_finalize(stmt);
    return result == SQLITE_ROW ? 0 : report(d, text);
}

/* Creates the tables in an empty database and refuses one that belongs to another program. */
static int prepare_schema(struct database *d)
{
    int64_t application = 0, tables = 0;
    int err = read_number(d, "PRAGMA application_id", &application);
    if (err == 0)
        err = read_number(d, "SELECT count(*) FROM sqlite_master", &tables);
    if (err < 0)
        return err;
    if (tables > 0 && application != DATABASE_APPLICATION) {
        fprintf(stderr, "bigdatafs-sandbox: the database belongs to another program.\n");
        return -EINVAL;
    }
    if (tables == 0 && sqlite3_exec(d->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return report(d, "cannot create the tables");
    return 0;
}

static int read_version(struct database *d)
{
    bool row;
    int err = database_query(d, SQL_META_GET, &row);
    if (err < 0)
        return err;
    const char *instance;
    err = row ? database_text(d, SQL_META_GET, 0, &instance) : -EIO;
    if (err == 0 && (instance == NULL || strlen(instance) != VERSION_INSTANCE_SIZE - 1))
        err = -EIO;
    if (err < 0)
        fprintf(stderr, "bigdatafs-sandbox: cannot read the state of the database.\n");
    if (err == 0) {
        memcpy(d->version.instance, instance, VERSION_INSTANCE_SIZE);
        d->version.counter = database_int(d, SQL_META_GET, 1);
        d->version.changed_at = database_int(d, SQL_META_GET, 2);
    }
    database_reset(d, SQL_META_GET);
    return err;
}

static int prepare_statements(struct database *d)
{
    for (int i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(d->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &d->stmt[i], NULL) !=
            SQLITE_OK)
            return report(d, sql[i]);
    return 0;
}

static int set_up(struct database *d, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path != NULL ? path : ":memory:", &d->db, flags, NULL) != SQLITE_OK)
        return report(d, "cannot open");
    /* Exclusive: a second process would not see this one's counter. */
    static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
                                  "PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = NORMAL;";
    if (sqlite3_exec(d->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return report(d, "cannot use");
    int err = prepare_schema(d);
    if (err == 0)
        err = prepare_statements(d);
    /* The first write takes the exclusive lock now, not at the first request. */
    if (err == 0)
        err = database_run(d, SQL_BEGIN);
    if (err == 0)
        err = database_run(d, SQL_COMMIT);
    return err < 0 ? err : read_version(d);
}

int database_open(const char *path, struct database *d)
{
    pthread_mutex_init(&d->turn, NULL);
    pthread_mutex_init(&d->work, NULL);
    int err = set_up(d, path);
    if (err < 0)
        database_close(d);
    return err;
}

void database_close(struct database *d)
{
    for (int i = 0; i < SQL_COUNT; i++)
        (void)sqlite3_finalize(d->stmt[i]);
    (void)sqlite3_close(d->db);
    pthread_mutex_destroy(&d->turn);
    pthread_mutex_destroy(&d->work);
}
