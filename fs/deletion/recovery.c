#include "recovery.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/clock.h"
#include "bigdatafs/base/uuid.h"

/* What is open so far, in the order of the file. A deletion whose end was read keeps its place with
 * an empty key, until more than half of the places are such. */
struct open_list {
    struct open_deletion *items;
    size_t count, capacity;
    size_t closed; /* places with an empty key */
    size_t last;   /* the place that was found last: the next one is mostly near */
    struct guard_history *history;
    unsigned long long run; /* the run whose line the guard's history met last ... */
    bool run_lives;         /* ... and whether it lives: another mount has its own guard */
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

static bool is_single(const cJSON *line)
{
    return cJSON_GetObjectItemCaseSensitive(line, "bulk") == NULL &&
           cJSON_GetObjectItemCaseSensitive(line, "dry_run") == NULL;
}

static int add(struct open_list *l, const cJSON *line)
{
    if (l->count - l->closed == RECOVERY_MAX)
        return 0; /* for another mount, when those before it are settled */
    if (l->count == l->capacity) {
        size_t capacity = l->capacity == 0 ? 16 : l->capacity * 2;
        struct open_deletion *items = reallocarray(l->items, capacity, sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        l->items = items;
        l->capacity = capacity;
    }
    bool archive = says(line, "op", request_op_token(REQUEST_ARCHIVE));
    struct open_deletion *p = &l->items[l->count++];
    *p = (struct open_deletion){.record.op = archive ? REQUEST_ARCHIVE : REQUEST_FORCE_DELETE};
    snprintf(p->record.key, sizeof p->record.key, "%s", text_of(line, "key"));
    snprintf(p->record.id, sizeof p->record.id, "%s", text_of(line, "id"));
    snprintf(p->record.label, sizeof p->record.label, "%s", text_of(line, "label"));
    p->single = is_single(line);
    return 0;
}

/* Whether the line is one of a run that has ended. Runs have many lines one after another. */
static bool is_of_earlier_run(struct open_list *l, const struct audit *a, const char *key)
{
    unsigned long long run = strtoull(key, NULL, 16);
    if (run != l->run)
        l->run_lives = audit_run_lives(a, key);
    l->run = run;
    return !l->run_lives;
}

static struct open_deletion *find(struct open_list *l, const char *key)
{
    for (size_t n = 0; key[0] != '\0' && n < l->count; n++) {
        size_t i = (l->last + n) % l->count;
        if (strcmp(l->items[i].record.key, key) != 0)
            continue;
        l->last = i;
        return &l->items[i];
    }
    return NULL;
}

static void compact(struct open_list *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].record.key[0] != '\0')
            l->items[kept++] = l->items[i];
    l->count = kept;
    l->closed = l->last = 0;
}

static void close_item(struct open_list *l, struct open_deletion *p)
{
    p->record.key[0] = '\0';
    if (++l->closed > l->count / 2)
        compact(l);
}

static int take_intent(struct open_list *l, const cJSON *line, const struct audit *a)
{
    bool single = is_single(line);
    if (!says(line, "source", audit_source(a)) || !uuid_is_valid(text_of(line, "id")))
        return 0;
    if (single && is_of_earlier_run(l, a, text_of(line, "key")))
        guard_history_begin(l->history, clock_text_s(text_of(line, "time")));
    return add(l, line);
}

static int take_line(struct open_list *l, const cJSON *line, const struct audit *a)
{
    if (says(line, "event", "intent"))
        return take_intent(l, line, a);
    struct open_deletion *p = find(l, text_of(line, "key"));
    bool outcome = says(line, "event", "outcome");
    bool unknown = outcome && says(line, "result", audit_result_name(AUDIT_UNKNOWN));
    bool done = outcome && says(line, "result", audit_result_name(AUDIT_DONE));
    if (p != NULL && outcome && p->single && is_of_earlier_run(l, a, p->record.key))
        guard_history_end(l->history, clock_text_s(text_of(line, "time")));
    if (p == NULL || unknown)
        return 0;
    if (done && p->record.op == REQUEST_FORCE_DELETE)
        p->accepted = true;
    else
        close_item(l, p);
    return 0;
}

static void drop_those_of_others(struct open_list *l, const struct audit *a)
{
    for (size_t i = 0; i < l->count; i++)
        if (audit_run_lives(a, l->items[i].record.key))
            l->items[i].record.key[0] = '\0';
    compact(l);
}

int recovery_read(const struct audit *a, struct open_deletion **list, size_t *count,
                  struct guard_history *history)
{
    struct open_list l = {.history = history};
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    int err = 0;
    *list = NULL;
    *count = 0;
    FILE *f = fopen(audit_path(a), "re");
    if (f == NULL)
        return errno == ENOENT ? 0 : -errno;
    while (err == 0 && (len = getline(&text, &size, f)) > 0) {
        cJSON *line = len <= AUDIT_LINE_MAX ? cJSON_ParseWithLength(text, (size_t)len) : NULL;
        if (line != NULL)
            err = take_line(&l, line, a);
        cJSON_Delete(line);
    }
    free(text);
    fclose(f);
    if (err < 0) {
        free(l.items);
        return err;
    }
    drop_those_of_others(&l, a);
    *list = l.items;
    *count = l.count;
    return 0;
}
