#include "draft.h"

#include <stddef.h>

#include "bigdatafs/base/clock.h"

void draft_text(struct draft *d, const char *name, const char *text)
{
    if (cJSON_AddStringToObject(d->object, name, text) == NULL)
        d->complete = false;
}

void draft_number(struct draft *d, const char *name, double number)
{
    if (cJSON_AddNumberToObject(d->object, name, number) == NULL)
        d->complete = false;
}

void draft_json(struct draft *d, const char *name, const char *json)
{
    if (cJSON_AddRawToObject(d->object, name, json) == NULL)
        d->complete = false;
}

struct draft draft_new(const char *event, const struct audit_record *r)
{
    struct draft d = {.object = cJSON_CreateObject(), .complete = true};
    char now[CLOCK_TEXT_SIZE];
    clock_text_now(now);
    draft_text(&d, "time", now);
    draft_text(&d, "event", event);
    draft_text(&d, "key", r->key);
    draft_text(&d, "op", request_op_token(r->op));
    draft_text(&d, "id", r->id);
    draft_text(&d, "label", r->label);
    return d;
}

void draft_marks(struct draft *d, const struct audit_record *r)
{
    if (r->bulk)
        draft_json(d, "bulk", "true");
    if (r->dry_run)
        draft_json(d, "dry_run", "true");
}

char *draft_finish(struct draft *d)
{
    char *text = d->complete ? cJSON_PrintUnformatted(d->object) : NULL;
    cJSON_Delete(d->object);
    return text;
}
