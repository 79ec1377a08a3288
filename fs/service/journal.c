#include "bigdatafs/service/journal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/clock.h"
#include "bigdatafs/base/sentence.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/snapshot.h"
#include "bigdatafs/service/failure.h"

struct journal_line {
    char time[CLOCK_TEXT_SIZE];
    char operation[16];
    char id[UUID_LEN + 1];
    char label[SNAPSHOT_LABEL_SIZE];
    bool has_who;
    struct requester who;
    int err;
    long status;
    char error_code[API_CODE_MAX];
    char message[SENTENCE_MAX];
    char request_id[API_REQUEST_ID_MAX];
    const char *hint;
    uint64_t count; /* how often it happened */
};

struct journal {
    uint64_t count; /* of what was noted */
    uint64_t lines; /* that were begun: the last JOURNAL_MAX are in the ring */
    struct journal_line ring[JOURNAL_MAX];
};

int journal_new(struct journal **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? 0 : -ENOMEM;
}

void journal_free(struct journal *j)
{
    free(j);
}

/* For what failed without an answer of the service. */
static const char *local_hint(int err)
{
    switch (-err) {
    case EDQUOT:
        return "wait a minute, or raise the guard with -o guard=";
    case EBUSY:
        return "wait for the deletion under way: .bigdatafs/jobs shows it";
    case EINVAL:
        return "write ids alone, one a line: 8-4-4-4-12 hexadecimal digits";
    case ENOENT:
        return "check the id: the root and .archived have all that there are";
    case EPERM:
        return "mount without the option that forbids it: -o dry_run, -o delete=";
    case EINTR:
        return "the audit log has what was sent and what became of it: try the rest again if it is "
               "still wanted";
    case ENOMEM:
        return failure_hint(FAILURE_MEMORY, 0);
    case EIO:
        return "see that the audit log can be written: space, permissions, -o audit=; and when the "
               "program was ending, in that log, what became of it";
    default:
        return "try again";
    }
}

static struct journal_line *line_at(struct journal *j, uint64_t i)
{
    return &j->ring[i % JOURNAL_MAX];
}

static void fill(struct journal_line *e, const struct journal_note *note)
{
    const struct api_result *r = note->result;
    *e = (struct journal_line){.err = note->err, .has_who = note->who != NULL, .count = 1};
    clock_text_now(e->time);
    snprintf(e->operation, sizeof e->operation, "%s", note->operation);
    snprintf(e->id, sizeof e->id, "%s", note->id);
    snprintf(e->label, sizeof e->label, "%s", note->label != NULL ? note->label : "");
    snprintf(e->message, sizeof e->message, "%s", note->reason);
    if (note->who != NULL)
        e->who = *note->who;
    e->hint = note->hint;
    if (e->hint == NULL)
        e->hint = r != NULL ? failure_hint(r->failure, r->status) : local_hint(note->err);
    if (r == NULL)
        return;
    e->status = r->status;
    snprintf(e->error_code, sizeof e->error_code, "%s", r->error_code);
    snprintf(e->request_id, sizeof e->request_id, "%s", r->request_id);
}

static bool is_repeated(const struct journal_line *old, const struct journal_line *now, bool each)
{
    bool answered = now->status != 0;
    if (each && strcmp(old->id, now->id) != 0)
        return false;
    return old->err == now->err && old->status == now->status && old->has_who == now->has_who &&
           old->who.uid == now->who.uid && old->hint == now->hint &&
           strcmp(old->operation, now->operation) == 0 &&
           strcmp(old->error_code, now->error_code) == 0 &&
           (answered || strcmp(old->message, now->message) == 0);
}

/* Takes the last line that the new one repeats out of the ring, and adds its count to the new one.
 */
static void take_repeated(struct journal *j, struct journal_line *now, bool each)
{
    uint64_t back = 1;
    while (back <= JOURNAL_LOOK_BACK && back <= j->lines &&
           !is_repeated(line_at(j, j->lines - back), now, each))
        back++;
    if (back > JOURNAL_LOOK_BACK || back > j->lines)
        return;
    now->count += line_at(j, j->lines - back)->count;
    for (; back > 1; back--)
        *line_at(j, j->lines - back) = *line_at(j, j->lines - back + 1);
    j->lines--;
}

void journal_add(struct journal *j, const struct journal_note *note)
{
    struct journal_line now;
    fill(&now, note);
    take_repeated(j, &now, note->each);
    *line_at(j, j->lines++) = now;
    j->count++;
}

uint64_t journal_count(const struct journal *j)
{
    return j->count;
}

static bool add_text(cJSON *object, const char *name, const char *value)
{
    return cJSON_AddStringToObject(object, name, value) != NULL;
}

static bool add_number(cJSON *object, const char *name, double value)
{
    return cJSON_AddNumberToObject(object, name, value) != NULL;
}

static bool add_who(cJSON *object, const struct requester *who)
{
    return add_number(object, "uid", who->uid) && add_number(object, "pid", who->pid) &&
           add_text(object, "command", who->command);
}

/* Whether all members of the line could be added to the object. */
static bool add_members(cJSON *object, const struct journal_line *e)
{
    return add_text(object, "time", e->time) && add_text(object, "operation", e->operation) &&
           add_text(object, "id", e->id) && add_text(object, "label", e->label) &&
           (!e->has_who || add_who(object, &e->who)) &&
           add_number(object, "status", (double)e->status) &&
           add_text(object, "errorCode", e->error_code) &&
           add_text(object, "message", e->message) &&
           add_text(object, "requestId", e->request_id) &&
           add_text(object, "errno", failure_errno_name(e->err)) &&
           add_text(object, "hint", e->hint) && add_number(object, "count", (double)e->count);
}

static int render_one(const struct journal_line *e, struct buf *to)
{
    cJSON *object = cJSON_CreateObject();
    char *text = add_members(object, e) ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    int err = text == NULL ? -ENOMEM : buf_printf(to, "%s\n", text);
    cJSON_free(text);
    return err;
}

int journal_render(const struct journal *j, struct buf *to)
{
    int err = 0;
    uint64_t first = j->lines > JOURNAL_MAX ? j->lines - JOURNAL_MAX : 0;
    for (uint64_t i = first; err == 0 && i < j->lines; i++)
        err = render_one(&j->ring[i % JOURNAL_MAX], to);
    return err;
}
