#include "job.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool fill(cJSON *object, const struct audit_record *r, const char *state, int64_t quiet_s)
{
    const char *time = "seconds_since_progress";
    return add_text(object, "id", r->id) && add_text(object, "label", r->label) &&
           add_text(object, "operation", request_op_name(r->op)) &&
           add_text(object, "state", state) &&
           (quiet_s == JOB_NO_TIME ||
            cJSON_AddNumberToObject(object, time, (double)quiet_s) != NULL);
}

int job_render(struct buf *to, const struct audit_record *r, const char *state, int64_t quiet_s)
{
    cJSON *object = cJSON_CreateObject();
    char *text = fill(object, r, state, quiet_s) ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    int err = text != NULL ? buf_printf(to, "%s\n", text) : -ENOMEM;
    free(text);
    return err;
}
