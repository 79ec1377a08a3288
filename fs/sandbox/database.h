/*
 * database: the SQLite database of the store: its tables, its statements, its lock and its
 * transactions. All SQL of the sandbox is here.
 *
 * Between database_open and database_close all functions but database_lock and database_begin need
 * the lock; database_end lets it go. Errors: -EIO after the database's message went to stderr,
 * unless a function says otherwise.
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
    /* Two locks make a fair one: a thread waits for its turn, then for the work under way, so that
     * the reaper between two batches cannot overtake a request that waits. */
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

/* Runs a statement that has no rows. */
int database_run(struct database *d, enum statement which) MUST_CHECK;

/* Takes the next row of a statement. *row tells whether there is one; after it the statement needs
 * a database_reset, unless it is asked for rows until there is none. */
int database_query(struct database *d, enum statement which, bool *row) MUST_CHECK;
void database_reset(struct database *d, enum statement which);

/* A text of the row, until the reset or the next row; NULL when it is null. -ENOMEM. */
int database_text(struct database *d, enum statement which, int column,
                  const char **out) MUST_CHECK;
int64_t database_int(struct database *d, enum statement which, int column);

/* How many rows the last statement that was run changed. */
int database_changes(const struct database *d);

/* Takes the lock and begins a change. The revision of what it changes is the counter plus one. */
int database_begin(struct database *d) MUST_CHECK;

/* Ends the change and returns err or what the end failed with. After an error it rolls back, else
 * it commits, under a new counter if the answers to clients changed. */
int database_end(struct database *d, int err, bool changed, int64_t now) MUST_CHECK;

#endif
