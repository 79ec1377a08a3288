#include "bigdatafs/inode/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/uuid.h"

static const char *const words[] = {"1", "true", "yes", "delete"};

static bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

int command_force_delete(const char *text, size_t len, const char *id, bool confirm_id)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (is(text, len, id))
        return 0;
    for (size_t i = 0; !confirm_id && i < sizeof words / sizeof words[0]; i++)
        if (is(text, len, words[i]))
            return 0;
    return -EINVAL;
}

bool command_is_unfinished(const struct command_lines *lines)
{
    return lines->len > 0 && !lines->taken;
}

bool command_lacks_newline(const struct command_lines *lines)
{
    return command_is_unfinished(lines) && lines->len == UUID_LEN;
}

void command_give_up(struct command_lines *lines)
{
    if (command_is_unfinished(lines))
        *lines = (struct command_lines){.next = UINT64_MAX}; /* where no write begins */
}

/* Whether text could become a UUID by more characters. */
static bool starts_uuid(const char *text, size_t len)
{
    char whole[] = "00000000-0000-0000-0000-000000000000";
    memcpy(whole, text, len);
    return uuid_is_valid(whole);
}

/* The lines of one write as they are read. */
struct reading {
    struct command_lines at;
    uuid_text *ids;
    size_t count;
    size_t lines; /* ended in this write */
};

static bool take(struct reading *r)
{
    r->at.taken = true;
    memcpy(r->ids[r->count], r->at.line, UUID_LEN);
    r->ids[r->count][UUID_LEN] = '\0';
    return uuid_is_valid(r->ids[r->count++]);
}

static bool end_line(struct reading *r)
{
    if (r->at.len < UUID_LEN || (!r->at.taken && !take(r)))
        return false;
    r->at.len = 0;
    r->at.taken = false;
    r->lines++;
    return true;
}

/* A whole id at the end of a longer write may be the start of a longer line: it is left alone. */
static bool read_lines(struct reading *r, const char *text, size_t len)
{
    bool is_one_line = r->at.len == 0 && len == UUID_LEN;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            if (!end_line(r))
                return false;
        } else if (r->at.len == UUID_LEN) {
            return false;
        } else {
            r->at.line[r->at.len++] = text[i];
        }
    }
    if (!command_is_unfinished(&r->at))
        return true;
    if (is_one_line)
        return take(r);
    bool may_go_on = r->count > 0 || r->at.next > 0;
    return may_go_on && starts_uuid(r->at.line, r->at.len);
}

static int compare_ids(const void *left, const void *right, void *ids)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const uuid_text *id = ids;
    int order = memcmp(id[a], id[b], UUID_LEN);
    return order != 0 ? order : a < b ? -1 : a > b;
}

/* Takes out all but the first of equal ids; the others stay in their order. */
static int drop_repeated(uuid_text *ids, size_t *count)
{
    uint32_t *order = calloc(*count + 1, sizeof *order);
    if (order == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < *count; i++)
        order[i] = i;
    qsort_r(order, *count, sizeof *order, compare_ids, ids);
    for (size_t i = *count; i-- > 1;)
        if (memcmp(ids[order[i]], ids[order[i - 1]], UUID_LEN) == 0)
            ids[order[i]][0] = '\0';
    free(order);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (ids[i][0] != '\0')
            memmove(ids[kept++], ids[i], sizeof *ids);
    *count = kept;
    return 0;
}

int command_ids(struct command_lines *lines, const struct command_text *write, uuid_text **ids,
                size_t *count)
{
    struct reading r = {.at = *lines};
    *count = 0;
    if (write->offset == 0 && !command_is_unfinished(lines))
        r.at = (struct command_lines){0}; /* from the beginning again */
    if (write->offset != r.at.next)
        return -EINVAL;
    r.ids = calloc(write->len / UUID_LEN + 2, sizeof *r.ids);
    if (r.ids == NULL)
        return -ENOMEM;
    bool good = read_lines(&r, write->text, write->len);
    int err = good ? drop_repeated(r.ids, &r.count) : -EINVAL;
    if (err < 0) {
        *count = r.lines;
        free(r.ids);
        return err;
    }
    r.at.next += write->len;
    *lines = r.at;
    *ids = r.ids;
    *count = r.count;
    return 0;
}
