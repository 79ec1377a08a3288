#include "bigdatafs/connector/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "date.h"
#include "json.h"

static struct timespec member_time(const cJSON *json, const char *name, struct timespec otherwise)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, name);
    struct timespec time;
    return cJSON_IsString(member) && date_parse(member->valuestring, &time) ? time : otherwise;
}

/* Takes from the JSON what the program itself needs. */
static int fill(struct snapshot *s, const cJSON *json)
{
    /* Of several members with one name cJSON finds the first. */
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "connector_id");
    if (!cJSON_IsString(id) || !uuid_is_valid(id->valuestring))
        return -EINVAL;
    memcpy(s->id, id->valuestring, sizeof s->id);
    s->archived = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "archived"));
    struct timespec created = member_time(json, "created_at", (struct timespec){0});
    struct timespec updated = member_time(json, "updated_at", created);
    struct timespec synced = member_time(json, "last_sync_at", updated);
    s->updated_s = updated.tv_sec;
    s->updated_ns = (uint32_t)updated.tv_nsec;
    s->synced_s = synced.tv_sec;
    s->synced_ns = (uint32_t)synced.tv_nsec;
    for (const cJSON *member = json->child; member != NULL; member = member->next)
        if (cJSON_IsObject(member) && s->subdirs < UINT16_MAX)
            s->subdirs++;
    return 0;
}

struct timespec snapshot_updated_at(const struct snapshot *s)
{
    return (struct timespec){.tv_sec = s->updated_s, .tv_nsec = s->updated_ns};
}

struct timespec snapshot_synced_at(const struct snapshot *s)
{
    return (struct timespec){.tv_sec = s->synced_s, .tv_nsec = s->synced_ns};
}

int snapshot_parse(const char *json, size_t len, struct snapshot **out)
{
    if (len > SNAPSHOT_TEXT_MAX)
        return -EFBIG;
    struct snapshot *s = malloc(sizeof *s + len + 1);
    if (s == NULL)
        return -ENOMEM;
    *s = (struct snapshot){.refs = 1, .text_len = (uint32_t)len};
    memcpy(s->text, json, len);
    s->text[len] = '\0';

    bool nul;
    cJSON *parsed;
    int err = json_parse(s->text, len, &nul, &parsed);
    if (err == 0) {
        err = fill(s, parsed);
        cJSON_Delete(parsed);
    }
    if (err < 0) {
        free(s);
        return err;
    }
    *out = s;
    return 0;
}

/* How much of the text fits, without the pieces of a character that does not. */
static size_t whole_characters(const char *text, size_t most)
{
    size_t len = strnlen(text, most + 1);
    if (len <= most)
        return len;
    len = most;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

int snapshot_label(const struct snapshot *s, char label[static SNAPSHOT_LABEL_SIZE])
{
    bool nul;
    cJSON *json;
    label[0] = '\0';
    if (s == NULL)
        return 0;
    if (json_parse(s->text, s->text_len, &nul, &json) < 0)
        return -ENOMEM; /* it was parsed before: what can be amiss is memory alone */
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, "label");
    const char *text = cJSON_IsString(member) ? member->valuestring : "";
    size_t len = whole_characters(text, SNAPSHOT_LABEL_SIZE - 1);
    memcpy(label, text, len);
    label[len] = '\0';
    for (char *at = label; nul && (at = strstr(at, "\xc0\x80")) != NULL;)
        memcpy(at, "??", 2); /* an escaped NUL, which is no UTF-8 */
    cJSON_Delete(json);
    return 0;
}

bool snapshot_has_text(const struct snapshot *s, const char *json, size_t len)
{
    return s != NULL && s->text_len == len && memcmp(s->text, json, len) == 0;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    assert(s->refs > 0);
    s->refs++;
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (s == NULL)
        return;
    assert(s->refs > 0);
    if (--s->refs == 0)
        free(s);
}
