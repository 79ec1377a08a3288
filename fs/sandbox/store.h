/*
 * store: the connectors, and what requests and hard deletes do to them; database.h has the SQL.
 *
 * A connector has no files but a files_count: a hard delete takes it down in small transactions and
 * removes the row when no file is left. The mark that a hard delete runs is in the row itself, so
 * that an accepted one outlives a crash. (A database in a file is in WAL mode with
 * synchronous=NORMAL: kill -9 loses nothing that was committed.) The database is locked for this
 * process alone.
 *
 * Every change raises one counter, which is kept in the database. Together with the random instance
 * of the database it names the state of the list. The counter at the last change of a row, its
 * revision, names the state of the row.
 *
 * Functions may be called from any thread. The functions that are passed in run under the store's
 * lock and must not call the store. Times are microseconds since 1970. Errors: -ENOENT there is no
 * such connector; -EBUSY its hard delete runs; -EIO the database failed, and its message went to
 * stderr; -ENOMEM; else the error of the function that was passed in.
 */
#ifndef BIGDATAFS_SANDBOX_STORE_H
#define BIGDATAFS_SANDBOX_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "version.h"

/* One connector; the strings are borrowed for the call that the record is passed to. */
struct record {
    const char *id;
    const char *user_id;
    const char *org_id;
    const char *label;
    const char *type;
    const char *description; /* NULL is null, here and below */
    const char *config;      /* JSON text, compact */
    const char *last_sync_status;
    const char *last_sync_error_msg;
    int64_t created_at;
    int64_t updated_at;
    int64_t last_sync_at;    /* -1 is null */
    int64_t last_sync_count; /* -1 is null */
    int64_t files_count;
    int64_t revision;   /* the change counter at the last change of anything in the row */
    int64_t changed_at; /* when that was */
    bool share_with_org;
    bool archived;
    bool deleting;
};

/* What updateConnector replaces, in which connector. */
struct store_edit {
    const char *id;
    const char *label;
    const char *description; /* NULL is null */
    const char *config;      /* JSON text */
    int64_t now;
    bool share_with_org;
};

struct store;

typedef int store_row_fn(void *arg, const struct record *r);
typedef int store_make_fn(void *arg, uint64_t i, struct record *out);

/* path NULL is a database in memory. Says why on stderr when it fails. */
int store_open(const char *path, struct store **out) MUST_CHECK;
void store_close(struct store *s); /* NULL is fine */

/* Puts n records made by make into an empty database, in one transaction; does nothing to one
 * that has ever held a connector. A record's revision is set here, its changed_at by make. */
int store_fill(struct store *s, uint64_t n, store_make_fn *make, void *arg) MUST_CHECK;

void store_version(struct store *s, struct list_version *out);

/* Every connector in order of creation, and the state that the rows belong to. */
int store_list(struct store *s, store_row_fn *row, void *arg, struct list_version *v) MUST_CHECK;

/* These pass the connector to row as it is after the call. */
int store_get(struct store *s, const char *id, store_row_fn *row, void *arg) MUST_CHECK;
int store_insert(struct store *s, const struct record *r, store_row_fn *row, void *arg) MUST_CHECK;
int store_update(struct store *s, const struct store_edit *e, store_row_fn *row,
                 void *arg) MUST_CHECK;
int store_archive(struct store *s, const char *id, int64_t now, store_row_fn *row,
                  void *arg) MUST_CHECK;

/* Marks the connector for deletion; 0 also when it is marked already. */
int store_hard_delete(struct store *s, const char *id, int64_t now) MUST_CHECK;

/* One round of the hard deletes that run: removes the connectors without a file left, then takes up
 * to `files` files from each of the others. When files is negative it removes all of them at once.
 * *left tells whether any hard delete still runs. Requests get their turn between the batches of
 * connectors that a round is made of. */
int store_reap(struct store *s, int64_t files, int64_t now, bool *left) MUST_CHECK;

#endif
