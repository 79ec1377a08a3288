/*
 * database: the SQLite database of the store: its tables, its statements, its lock and its changes.
 */
#ifndef BIGDATAFS_SANDBOX_DATABASE_H
#define BIGDATAFS_SANDBOX_DATABASE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "version.h"

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

struct database {
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL_COUNT];
    /* Two locks make a fair one: a thread waits for its turn, then for the work under way, so the
     * worker between two batches cannot overtake a request that waits. */
    pthread_mutex_t turn;
    pthread_mutex_t work;
    struct list_version version; /* as committed */
};

/* *d must be zeroes. path NULL is a database in memory. Says why on stderr when it fails, after
 * which *d must not be used. */
int database_open(const char *path, struct database *d) MUST_CHECK;
void database_close(struct database *d);

void database_lock(struct database *d);
void database_unlock(struct database *d);

/* Binds a string, which must outlive the step; binding what is static needs no memory. */
void database_bind(struct database *d, enum statement which, int at, const char *text);
void database_bind_int(struct database *d, enum statement which, int at, int64_t value);

/* Runs a statement that has at most one row: 1 a row (to be reset), 0 none (reset), -EIO. */
int database_step(struct database *d, enum statement which);
void database_reset(struct database *d, enum statement which);

const char *database_text(sqlite3_stmt *stmt, int column);

/* Begins a change; the revision of what it changes is the counter plus one. */
int database_begin(struct database *d) MUST_CHECK;

/* Ends the change: rolls back after an error, else commits, under a new counter if the answers to
 * clients changed. */
int database_end(struct database *d, int err, bool changed, int64_t now) MUST_CHECK;

#endif
