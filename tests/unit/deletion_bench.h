/*
 * deletion_bench: all that deletions are made from, with a clock, a writer of the audit log and a
 * service that the test drives, and a real catalogue. The audit log is a temporary file, which is
 * read back as a story: one short line for each of its lines, so that a test compares all of it.
 *
 *   intent archive 1                        the intent to archive the connector with number 1
 *   outcome archive 1 done - 200 1          its result, errno (- for none), HTTP status, requests
 *   resolved archive 1 gone                 what became of it
 */
#ifndef BIGDATAFS_TESTS_DELETION_BENCH_H
#define BIGDATAFS_TESTS_DELETION_BENCH_H

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/deletion/bulk.h"
#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/service/journal.h"
#include "check.h"
#include "fakes/fake_api.h"
#include "fakes/fake_loop.h"
#include "fakes/fake_worker.h"

#define SOURCE "https://service.example"

enum { STORY_MAX = 1 << 20, PARALLEL = 4 };

struct bench {
    struct loop *loop;
    struct api *api;
    struct log log;
    struct journal *journal;
    struct catalogue *catalogue;
    struct audit *audit;
    struct worker *writer; /* of the audit log */
    struct deletions *deletions;
    struct bulks *bulks;
    char path[64];
    char *story;
    char object[256];
};

/* Someone who waits for the end of a deletion or of a bulk write. */
struct waiting {
    unsigned ended;
    int err;
};

static inline void on_end(void *arg, int err)
{
    struct waiting *w = arg;
    w->ended++;
    w->err = err;
}

static inline void bench_bulks(struct bench *b, unsigned parallel)
{
    struct bulk_parts parts = {.loop = b->loop,
                               .catalogue = b->catalogue,
                               .deletions = b->deletions,
                               .journal = b->journal,
                               .parallel = parallel};
    CHECK_INT(bulks_new(&parts, &b->bulks), 0);
}

static inline void bench_parts(struct bench *b, const struct deletion_options *options)
{
    struct catalogue_options catalogue = {.ttl_s = 60, .stale_s = 60};
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(api_new(b->loop, NULL, FAKE_TIMEOUT_S, &b->api), 0);
    CHECK_INT(journal_new(&b->journal), 0);
    struct catalogue_parts below = {
        .loop = b->loop, .log = &b->log, .api = b->api, .journal = b->journal};
    CHECK_INT(catalogue_new(&below, &catalogue, &b->catalogue), 0);
    CHECK_INT(audit_new(b->loop, &b->log, b->path, SOURCE, &b->audit), 0);
    b->writer = fake_worker_newest();
    struct deletion_parts parts = {.loop = b->loop,
                                   .log = &b->log,
                                   .api = b->api,
                                   .catalogue = b->catalogue,
                                   .audit = b->audit,
                                   .journal = b->journal};
    CHECK_INT(deletions_new(&parts, options, &b->deletions), 0);
    bench_bulks(b, PARALLEL);
}

static inline void bench_free_parts(struct bench *b)
{
    bulks_free(b->bulks);
    audit_free(b->audit);
    deletions_free(b->deletions);
    catalogue_free(b->catalogue);
    journal_free(b->journal);
    CHECK_INT(fake_api_waiting(b->api), 0);
    CHECK_INT(fake_loop_timers(b->loop), 0);
    api_free(b->api);
    loop_free(b->loop);
}

static inline void set_up_with(struct bench *b, const struct deletion_options *options)
{
    *b = (struct bench){.path = "/tmp/bigdatafs-audit-XXXXXX", .story = malloc(STORY_MAX)};
    int fd = mkstemp(b->path);
    CHECK(fd >= 0 && b->story != NULL);
    close(fd);
    log_init(&b->log, LOG_EMERG);
    bench_parts(b, options);
}

static inline void set_up(struct bench *b)
{
    set_up_with(b, &(struct deletion_options){0});
}

static inline void tear_down(struct bench *b)
{
    bench_free_parts(b);
    unlink(b->path);
    free(b->story);
}

/* The next run of the program, with the same audit log and a catalogue that is empty. */
static inline void restart(struct bench *b)
{
    bench_free_parts(b);
    bench_parts(b, &(struct deletion_options){0});
}

/* Nothing is left to do now but to wait for the service or for time to pass. */
static inline void settle(struct bench *b)
{
    do
        fake_loop_settle(b->loop);
    while (fake_worker_settle(b->writer) > 0);
}

/* Moves the clock in small steps: what waits for the disk meanwhile is written. */
static inline void pass(struct bench *b, uint64_t ms)
{
    settle(b);
    fake_loop_advance(b->loop, ms);
    settle(b);
}

static inline const char *id_of(unsigned number, uuid_text id)
{
    snprintf(id, UUID_SIZE, "019a9612-bfad-758c-884e-%012u", number);
    return id;
}

/* The connector as the service has it; step is what changes while it is being deleted. */
static inline const char *object_of(struct bench *b, unsigned number, bool archived, unsigned step)
{
    uuid_text id;
    snprintf(b->object, sizeof b->object,
             "{\"connector_id\":\"%s\",\n \"archived\":%s,\"step\":%u}", id_of(number, id),
             archived ? "true" : "false", step);
    return b->object;
}

static inline struct connector *connector_of(struct bench *b, unsigned number)
{
    uuid_text id;
    return connectors_find(catalogue_connectors(b->catalogue), id_of(number, id));
}

static inline struct connector *add_connector(struct bench *b, unsigned number)
{
    struct snapshot *snapshot;
    struct connector *connector = NULL;
    const char *json = object_of(b, number, false, 0);
    CHECK_INT(snapshot_parse(json, strlen(json), &snapshot), 0);
    CHECK_INT(catalogue_learn(b->catalogue, snapshot, &connector), 0);
    snapshot_unref(snapshot);
    return connector;
}

static inline int try_start(struct bench *b, enum request_op op, unsigned number,
                            struct waiting *waiting, struct deletion **out)
{
    struct deletion_request request = {.op = op,
                                       .connector = connector_of(b, number),
                                       .who = {.uid = 7, .gid = 8, .pid = 9, .command = "rmdir"},
                                       .done = on_end,
                                       .arg = waiting};
    *waiting = (struct waiting){0};
    return deletion_start(b->deletions, &request, out);
}

/* Adds the connector, starts its deletion and lets the intent be written. */
static inline struct deletion *start(struct bench *b, enum request_op op, unsigned number,
                                     struct waiting *waiting)
{
    struct deletion *deletion = NULL;
    add_connector(b, number);
    CHECK_INT(try_start(b, op, number, waiting, &deletion), 0);
    settle(b);
    return deletion;
}

static inline struct api_op *asked(struct bench *b, enum fake_call kind)
{
    struct api_op *op = fake_api_find(b->api, kind, NULL);
    if (!CHECK(op != NULL))
        abort();
    return op;
}

/* The oldest call of the kind, which must be there, is answered. */
static inline void answer_object(struct bench *b, enum fake_call kind, const char *json)
{
    fake_api_answer_object(asked(b, kind), json);
}

static inline void answer_status(struct bench *b, enum fake_call kind, long status)
{
    fake_api_answer_status(asked(b, kind), status);
}

/* The service says twice, with a pause, that it does not have what the oldest GET asks for. */
static inline void answer_gone(struct bench *b)
{
    uuid_text id;
    struct api_op *op = asked(b, FAKE_GET);
    snprintf(id, sizeof id, "%s", fake_api_id(op));
    fake_api_answer_status(op, 404);
    pass(b, API_GONE_AGAIN_MS);
    op = fake_api_find(b->api, FAKE_GET, id);
    if (!CHECK(op != NULL))
        abort();
    fake_api_answer_status(op, 404);
}

static inline void answer_lost(struct bench *b, enum fake_call kind)
{
    fake_api_answer_failure(asked(b, kind), FAILURE_BROKEN, true);
}

static inline const char *text_in(const cJSON *line, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(line, name);
    return cJSON_IsString(member) ? member->valuestring : "";
}

static inline int number_in(const cJSON *line, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(line, name);
    return CHECK(cJSON_IsNumber(member)) ? member->valueint : -1;
}

static inline size_t tell_line(const cJSON *line, char *to, size_t size)
{
    const char *event = text_in(line, "event"), *id = text_in(line, "id");
    unsigned long number = strlen(id) == UUID_LEN ? strtoul(id + 24, NULL, 10) : 0;
    int len = snprintf(to, size, "%s %s %lu", event, text_in(line, "op"), number);
    CHECK(text_in(line, "time")[0] != '\0' && text_in(line, "key")[0] != '\0');
    if (strcmp(event, "intent") == 0) {
        CHECK_STR(text_in(line, "source"), SOURCE);
        CHECK_INT(number_in(line, "uid"), 7);
        CHECK_INT(number_in(line, "gid"), 8);
        CHECK_INT(number_in(line, "pid"), 9);
        CHECK_STR(text_in(line, "command"), "rmdir");
        CHECK_STR(text_in(cJSON_GetObjectItemCaseSensitive(line, "connector"), "connector_id"), id);
    } else {
        len += snprintf(to + len, size - (size_t)len, " %s", text_in(line, "result"));
    }
    if (strcmp(event, "outcome") == 0) {
        const char *err = text_in(line, "errno");
        CHECK((err[0] == '\0') == (text_in(line, "reason")[0] == '\0'));
        len += snprintf(to + len, size - (size_t)len, " %s %d %d", err[0] != '\0' ? err : "-",
                        number_in(line, "status"), number_in(line, "requests"));
    }
    return (size_t)len + (size_t)snprintf(to + len, size - (size_t)len, "\n");
}

/* What the audit log says, as told above. */
static inline const char *story(struct bench *b)
{
    char *text = NULL;
    size_t capacity = 0, at = 0;
    ssize_t len;
    settle(b);
    b->story[0] = '\0';
    FILE *f = fopen(b->path, "re");
    if (f == NULL)
        return b->story;
    while ((len = getline(&text, &capacity, f)) > 0) {
        cJSON *line = cJSON_ParseWithLength(text, (size_t)len);
        CHECK(cJSON_IsObject(line) && text[len - 1] == '\n');
        at += tell_line(line, b->story + at, STORY_MAX - at);
        cJSON_Delete(line);
    }
    free(text);
    fclose(f);
    return b->story;
}

/* Whether .bigdatafs/errors has this text. */
static inline bool journal_says(struct bench *b, const char *text)
{
    struct buf errors;
    buf_init(&errors, 1 << 20);
    CHECK_INT(journal_render(b->journal, &errors), 0);
    bool found = errors.data != NULL && strstr(errors.data, text) != NULL;
    buf_free(&errors);
    return found;
}

/* How many DELETEs of either kind were sent so far. */
static inline unsigned deletes(const struct bench *b)
{
    return fake_api_count(b->api, FAKE_ARCHIVE) + fake_api_count(b->api, FAKE_FORCE_DELETE);
}

#endif
