#include "recovery.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/clock.h"
#include "bigdatafs/base/uuid.h"

/* A file that is being read. */
struct reading {
    const struct audit *audit;
    struct opens *to;
    struct guard_history *history;
    unsigned long long run; /* the run whose line the guard's history met last */
    bool run_lives;         /* whether it lives: another mount has its own guard */
};

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : "";
}

static bool says(const cJSON *object, const char *name, const char *text)
{
    return strcmp(text_of(object, name), text) == 0;
}

static bool is_marked(const cJSON *line, const char *mark)
{
    return cJSON_GetObjectItemCaseSensitive(line, mark) != NULL;
}

static int add(struct opens *to, const cJSON *line)
{
    if (to->count == RECOVERY_MAX)
        return 0; /* for another mount, when those before it are settled */
    bool archive = says(line, "op", request_op_token(REQUEST_ARCHIVE));
    struct audit_record record = {.op = archive ? REQUEST_ARCHIVE : REQUEST_FORCE_DELETE,
                                  .bulk = is_marked(line, "bulk"),
                                  .dry_run = is_marked(line, "dry_run")};
    snprintf(record.key, sizeof record.key, "%s", text_of(line, "key"));
    snprintf(record.id, sizeof record.id, "%s", text_of(line, "id"));
    snprintf(record.label, sizeof record.label, "%s", text_of(line, "label"));
    return opens_find(to, record.key) != NULL ? 0 : opens_add(to, &record, false);
}

/* Whether the line is one of a run that has ended. Runs have many lines one after another. */
static bool is_of_earlier_run(struct reading *r, const char *key)
{
    unsigned long long run = strtoull(key, NULL, 16);
    if (run != r->run)
        r->run_lives = audit_run_lives(r->audit, key);
    r->run = run;
    return !r->run_lives;
}

static int take_intent(struct reading *r, const cJSON *line)
{
    bool single =
        !is_marked(line, "bulk") && !is_marked(line, "dry_run") && !is_marked(line, "carried");
    if (!says(line, "source", audit_source(r->audit)) || !uuid_is_valid(text_of(line, "id")))
        return 0;
    if (single && is_of_earlier_run(r, text_of(line, "key")))
        guard_history_begin(r->history, clock_text_s(text_of(line, "time")));
    return add(r->to, line);
}

static int take_line(struct reading *r, const cJSON *line)
{
    struct opens *to = r->to;
    if (says(line, "event", "intent"))
        return take_intent(r, line);
    struct open_deletion *p = opens_find(to, text_of(line, "key"));
    bool outcome = says(line, "event", "outcome");
    bool unknown = outcome && says(line, "result", audit_result_name(AUDIT_UNKNOWN));
    bool done = outcome && says(line, "result", audit_result_name(AUDIT_DONE));
    bool single = p != NULL && !p->record.bulk && !p->record.dry_run;
    if (single && outcome && is_of_earlier_run(r, p->record.key))
        guard_history_end(r->history, clock_text_s(text_of(line, "time")));
    if (p == NULL || unknown)
        return 0;
    if (done && p->record.op == REQUEST_FORCE_DELETE)
        p->accepted = true;
    else
        opens_remove(to, p);
    return 0;
}

static void drop_those_of_others(struct opens *to, const struct audit *a)
{
    struct open_deletion *next;
    for (struct open_deletion *p = TAILQ_FIRST(&to->list); p != NULL; p = next) {
        next = TAILQ_NEXT(p, order);
        if (audit_run_lives(a, p->record.key))
            opens_remove(to, p);
    }
}

int recovery_read(const struct audit *a, struct opens *to, struct guard_history *history)
{
    struct reading r = {.audit = a, .to = to, .history = history};
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    int err = 0;
    FILE *f = fopen(audit_path(a), "re");
    if (f == NULL)
        return errno == ENOENT ? 0 : -errno;
    while (err == 0 && (len = getline(&text, &size, f)) > 0) {
        cJSON *line = len <= AUDIT_LINE_MAX ? cJSON_ParseWithLength(text, (size_t)len) : NULL;
        if (line != NULL)
            err = take_line(&r, line);
        cJSON_Delete(line);
    }
    free(text);
    fclose(f);
    drop_those_of_others(to, a);
    return err;
}
