#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "database.h"

enum { BATCH_MAX = 500 }; /* connectors in one transaction of a round */

struct store {
    struct database database;
};

/* The columns that SQL_LIST and SQL_GET select, in their order; SQL_INSERT binds the same ones,
 * each at the next higher number. */
enum column {
    COLUMN_ID,
    COLUMN_USER_ID,
    COLUMN_ORG_ID,
    COLUMN_LABEL,
    COLUMN_TYPE,
    COLUMN_DESCRIPTION,
    COLUMN_CONFIG,
    COLUMN_LAST_SYNC_STATUS,
    COLUMN_LAST_SYNC_ERROR_MSG,
    COLUMN_TEXTS, /* the number of texts, which come first */
    COLUMN_CREATED_AT = COLUMN_TEXTS,
    COLUMN_UPDATED_AT,
    COLUMN_LAST_SYNC_AT,
    COLUMN_LAST_SYNC_COUNT,
    COLUMN_FILES_COUNT,
    COLUMN_REVISION,
    COLUMN_CHANGED_AT,
    COLUMN_SHARE_WITH_ORG,
    COLUMN_ARCHIVED,
    COLUMN_DELETING,
};

/* Passes the row that the statement is at to the caller's function. */
static int pass_row(struct database *d, enum statement which, store_row_fn *row, void *arg)
{
    const char *texts[COLUMN_TEXTS];
    for (int i = 0; i < COLUMN_TEXTS; i++) {
        int err = database_text(d, which, i, &texts[i]);
        if (err < 0)
            return err;
    }
    const struct record r = {
        .id = texts[COLUMN_ID],
        .user_id = texts[COLUMN_USER_ID],
        .org_id = texts[COLUMN_ORG_ID],
        .label = texts[COLUMN_LABEL],
        .type = texts[COLUMN_TYPE],
        .description = texts[COLUMN_DESCRIPTION],
        .config = texts[COLUMN_CONFIG],
        .last_sync_status = texts[COLUMN_LAST_SYNC_STATUS],
        .last_sync_error_msg = texts[COLUMN_LAST_SYNC_ERROR_MSG],
        .created_at = database_int(d, which, COLUMN_CREATED_AT),
        .updated_at = database_int(d, which, COLUMN_UPDATED_AT),
        .last_sync_at = database_int(d, which, COLUMN_LAST_SYNC_AT),
        .last_sync_count = database_int(d, which, COLUMN_LAST_SYNC_COUNT),
        .files_count = database_int(d, which, COLUMN_FILES_COUNT),
        .revision = database_int(d, which, COLUMN_REVISION),
        .changed_at = database_int(d, which, COLUMN_CHANGED_AT),
        .share_with_org = database_int(d, which, COLUMN_SHARE_WITH_ORG) != 0,
        .archived = database_int(d, which, COLUMN_ARCHIVED) != 0,
        .deleting = database_int(d, which, COLUMN_DELETING) != 0,
    };
    return row(arg, &r);
}

static int emit(struct database *d, const char *id, store_row_fn *row, void *arg)
{
    bool found;
    database_bind(d, SQL_GET, 1, id);
    int err = database_query(d, SQL_GET, &found);
    if (err < 0)
        return err;
    if (!found)
        return -ENOENT;
    err = pass_row(d, SQL_GET, row, arg);
    database_reset(d, SQL_GET);
    return err;
}

static int read_state(struct database *d, const char *id, bool *archived, bool *deleting)
{
    bool found;
    database_bind(d, SQL_STATE, 1, id);
    int err = database_query(d, SQL_STATE, &found);
    if (err < 0)
        return err;
    if (!found)
        return -ENOENT;
    *archived = database_int(d, SQL_STATE, 0) != 0;
    *deleting = database_int(d, SQL_STATE, 1) != 0;
    database_reset(d, SQL_STATE);
    return 0;
}

static int put_record(struct database *d, const struct record *r)
{
    const char *const texts[COLUMN_TEXTS] = {
        [COLUMN_ID] = r->id,
        [COLUMN_USER_ID] = r->user_id,
        [COLUMN_ORG_ID] = r->org_id,
        [COLUMN_LABEL] = r->label,
        [COLUMN_TYPE] = r->type,
        [COLUMN_DESCRIPTION] = r->description,
        [COLUMN_CONFIG] = r->config,
        [COLUMN_LAST_SYNC_STATUS] = r->last_sync_status,
        [COLUMN_LAST_SYNC_ERROR_MSG] = r->last_sync_error_msg,
    };
    for (int i = 0; i < COLUMN_TEXTS; i++)
        database_bind(d, SQL_INSERT, i + 1, texts[i]);
    database_bind_int(d, SQL_INSERT, COLUMN_CREATED_AT + 1, r->created_at);
    database_bind_int(d, SQL_INSERT, COLUMN_UPDATED_AT + 1, r->updated_at);
    database_bind_int(d, SQL_INSERT, COLUMN_LAST_SYNC_AT + 1, r->last_sync_at);
    database_bind_int(d, SQL_INSERT, COLUMN_LAST_SYNC_COUNT + 1, r->last_sync_count);
    database_bind_int(d, SQL_INSERT, COLUMN_FILES_COUNT + 1, r->files_count);
    database_bind_int(d, SQL_INSERT, COLUMN_REVISION + 1, d->version.counter + 1);
    database_bind_int(d, SQL_INSERT, COLUMN_CHANGED_AT + 1, r->changed_at);
    database_bind_int(d, SQL_INSERT, COLUMN_SHARE_WITH_ORG + 1, r->share_with_org);
    database_bind_int(d, SQL_INSERT, COLUMN_ARCHIVED + 1, r->archived);
    database_bind_int(d, SQL_INSERT, COLUMN_DELETING + 1, r->deleting);
    return database_run(d, SQL_INSERT);
}

int store_open(const char *path, struct store **out)
{
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        fprintf(stderr, "bigdatafs-sandbox: no memory for the store.\n");
        return -ENOMEM;
    }
    int err = database_open(path, &s->database);
    if (err < 0) {
        free(s);
        return err;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    database_close(&s->database);
    free(s);
}

/* Whether the statement finds anything. */
static int query_any(struct database *d, enum statement which, bool *any)
{
    int err = database_query(d, which, any);
    if (*any)
        database_reset(d, which);
    return err;
}

int store_fill(struct store *s, uint64_t n, store_make_fn *make, void *arg)
{
    struct database *d = &s->database;
    int err = database_begin(d);
    if (err < 0)
        return err;
    bool used;
    err = query_any(d, SQL_USED, &used);
    int64_t newest = 0;
    for (uint64_t i = 0; err == 0 && !used && i < n; i++) {
        struct record r;
        err = make(arg, i, &r);
        if (err == 0)
            err = put_record(d, &r);
        if (err == 0 && r.changed_at > newest)
            newest = r.changed_at;
    }
    /* Seeded data is as old as its newest record says, not as the database's file. */
    bool changed = err == 0 && !used && n > 0;
    if (changed)
        d->version.changed_at = newest;
    return database_end(d, err, changed, newest);
}

void store_version(struct store *s, struct list_version *out)
{
    database_lock(&s->database);
    *out = s->database.version;
    database_unlock(&s->database);
}

int store_list(struct store *s, store_row_fn *row, void *arg, struct list_version *v)
{
    struct database *d = &s->database;
    database_lock(d);
    bool found = true;
    int err = 0;
    while (err == 0 && found) {
        err = database_query(d, SQL_LIST, &found);
        if (found)
            err = pass_row(d, SQL_LIST, row, arg);
    }
    if (found)
        database_reset(d, SQL_LIST); /* the caller's function failed at this row */
    *v = d->version;
    database_unlock(d);
    return err;
}

int store_get(struct store *s, const char *id, store_row_fn *row, void *arg)
{
    database_lock(&s->database);
    int err = emit(&s->database, id, row, arg);
    database_unlock(&s->database);
    return err;
}

int store_insert(struct store *s, const struct record *r, store_row_fn *row, void *arg)
{
    struct database *d = &s->database;
    int err = database_begin(d);
    if (err < 0)
        return err;
    err = put_record(d, r);
    if (err == 0)
        err = emit(d, r->id, row, arg);
    return database_end(d, err, true, r->changed_at);
}

int store_update(struct store *s, const struct store_edit *e, store_row_fn *row, void *arg)
{
    struct database *d = &s->database;
    int err = database_begin(d);
    if (err < 0)
        return err;
    bool archived, deleting;
    err = read_state(d, e->id, &archived, &deleting);
    if (err == 0 && deleting)
        err = -EBUSY;
    if (err == 0) {
        database_bind(d, SQL_UPDATE, 1, e->id);
        database_bind(d, SQL_UPDATE, 2, e->label);
        database_bind(d, SQL_UPDATE, 3, e->description);
        database_bind(d, SQL_UPDATE, 4, e->config);
        database_bind_int(d, SQL_UPDATE, 5, e->share_with_org);
        database_bind_int(d, SQL_UPDATE, 6, e->now);
        database_bind_int(d, SQL_UPDATE, 7, d->version.counter + 1);
        err = database_run(d, SQL_UPDATE);
    }
    if (err == 0)
        err = emit(d, e->id, row, arg);
    return database_end(d, err, true, e->now);
}

int store_archive(struct store *s, const char *id, int64_t now, store_row_fn *row, void *arg)
{
    struct database *d = &s->database;
    int err = database_begin(d);
    if (err < 0)
        return err;
    bool archived = true, deleting;
    err = read_state(d, id, &archived, &deleting);
    if (err == 0 && deleting)
        err = -EBUSY;
    if (err == 0 && !archived) {
        database_bind(d, SQL_ARCHIVE, 1, id);
        database_bind_int(d, SQL_ARCHIVE, 2, now);
        database_bind_int(d, SQL_ARCHIVE, 3, d->version.counter + 1);
        err = database_run(d, SQL_ARCHIVE);
    }
    if (err == 0)
        err = emit(d, id, row, arg);
    return database_end(d, err, !archived, now);
}

int store_hard_delete(struct store *s, const char *id, int64_t now)
{
    struct database *d = &s->database;
    int err = database_begin(d);
    if (err < 0)
        return err;
    bool archived, deleting = true;
    err = read_state(d, id, &archived, &deleting);
    if (err == 0 && !deleting) {
        database_bind(d, SQL_MARK, 1, id);
        err = database_run(d, SQL_MARK);
    }
    return database_end(d, err, false, now); /* the mark is in no answer */
}

/* A round of the hard deletes, batch by batch in the order of seq. */
struct round {
    int64_t files; /* as in store_reap */
    int64_t now;
    int64_t after, to; /* the batch: what is marked in after < seq <= to; to is 0 for none */
    bool changed;      /* the batch changed what answers say */
};

static int find_batch(struct database *d, struct round *r)
{
    bool found;
    database_bind_int(d, SQL_BATCH, 1, r->after);
    database_bind_int(d, SQL_BATCH, 2, BATCH_MAX);
    int err = database_query(d, SQL_BATCH, &found);
    r->to = 0;
    if (found) {
        r->to = database_int(d, SQL_BATCH, 0); /* null, which reads as 0, when there is none */
        database_reset(d, SQL_BATCH);
    }
    return err;
}

static int remove_finished(struct database *d, struct round *r)
{
    database_bind_int(d, SQL_REMOVE, 1, r->after);
    database_bind_int(d, SQL_REMOVE, 2, r->to);
    database_bind_int(d, SQL_REMOVE, 3, r->files);
    int err = database_run(d, SQL_REMOVE);
    r->changed = r->changed || database_changes(d) > 0;
    return err;
}

static int shrink_others(struct database *d, struct round *r)
{
    database_bind_int(d, SQL_SHRINK, 1, r->after);
    database_bind_int(d, SQL_SHRINK, 2, r->to);
    database_bind_int(d, SQL_SHRINK, 3, r->files);
    database_bind_int(d, SQL_SHRINK, 4, d->version.counter + 1);
    database_bind_int(d, SQL_SHRINK, 5, r->now);
    int err = database_run(d, SQL_SHRINK);
    r->changed = r->changed || database_changes(d) > 0;
    return err;
}

static int reap_batch(struct database *d, struct round *r)
{
    int err = database_begin(d);
    if (err < 0)
        return err;
    r->changed = false;
    err = find_batch(d, r);
    if (err == 0 && r->to > 0)
        err = remove_finished(d, r);
    if (err == 0 && r->to > 0 && r->files > 0)
        err = shrink_others(d, r);
    return database_end(d, err, r->changed, r->now);
}

int store_reap(struct store *s, int64_t files, int64_t now, bool *left)
{
    struct database *d = &s->database;
    struct round r = {.files = files, .now = now};
    int err;
    do {
        r.after = r.to;
        err = reap_batch(d, &r);
    } while (err == 0 && r.to > 0);
    if (err < 0)
        return err;
    database_lock(d);
    err = query_any(d, SQL_LEFT, left);
    database_unlock(d);
    return err;
}
