#include "bigdatafs/connector/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"
#include "date.h"
#include "json.h"

static struct timespec member_time(const cJSON *json, const char *name, struct timespec otherwise)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, name);
    struct timespec time;

    if (!cJSON_IsString(member) || !date_parse(member->valuestring, &time))
        return otherwise;
    return time;
}

/* Takes from the JSON what the program itself needs. */
static int fill(struct snapshot *c, const cJSON *json)
{
    /* Of members with equal names cJSON finds the first. */
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "connector_id");
    if (!cJSON_IsString(id) || !uuid_is_valid(id->valuestring))
        return -EINVAL;
    memcpy(c->id, id->valuestring, sizeof(c->id));
    c->archived = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "archived"));
    struct timespec created = member_time(json, "created_at", (struct timespec){0});
    struct timespec updated = member_time(json, "updated_at", created);
    struct timespec synced = member_time(json, "last_sync_at", updated);
    c->updated_s = updated.tv_sec;
    c->updated_ns = (uint32_t)updated.tv_nsec;
    c->synced_s = synced.tv_sec;
    c->synced_ns = (uint32_t)synced.tv_nsec;
    for (const cJSON *member = json->child; member; member = member->next)
        if (cJSON_IsObject(member) && c->subdirs < UINT16_MAX)
            c->subdirs++;
    return 0;
}

struct timespec snapshot_updated_at(const struct snapshot *c)
{
    return (struct timespec){.tv_sec = c->updated_s, .tv_nsec = c->updated_ns};
}

struct timespec snapshot_synced_at(const struct snapshot *c)
{
    return (struct timespec){.tv_sec = c->synced_s, .tv_nsec = c->synced_ns};
}

int snapshot_parse(const char *json, size_t len, struct snapshot **out)
{
    bool nul;
    cJSON *parsed;

    if (len > SNAPSHOT_TEXT_MAX)
        return -EFBIG;
    if (memchr(json, '\0', len)) /* cJSON takes it for white space */
        return -EBADMSG;

    struct snapshot *c = malloc(sizeof(*c) + len + 1);
    if (!c)
        return -ENOMEM;
    c->refs = 1;
    c->subdirs = 0;
    c->text_len = (uint32_t)len;
    memcpy(c->text, json, len);
    c->text[len] = '\0';

    int rc = json_parse(c->text, len, &nul, &parsed);
    if (rc == 0) {
        rc = fill(c, parsed);
        cJSON_Delete(parsed);
    }
    if (rc < 0) {
        free(c);
        return rc;
    }
    *out = c;
    return 0;
}

bool snapshot_has_text(const struct snapshot *c, const char *json, size_t len)
{
    return c != NULL && c->text_len == len && memcmp(c->text, json, len) == 0;
}

struct snapshot *snapshot_ref(struct snapshot *c)
{
    assert(c->refs > 0);
    c->refs++;
    return c;
}

void snapshot_unref(struct snapshot *c)
{
    if (!c)
        return;
    assert(c->refs > 0);
    if (--c->refs == 0)
        free(c);
}
