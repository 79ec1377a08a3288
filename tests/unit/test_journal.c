/* The lines of .bigdatafs/errors. */
#include "bigdatafs/service/journal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>

#include "check.h"

#define ID "019a9612-bfad-758c-884e-000000000001"

/* The memory of cJSON, of which one allocation can be made to fail. */
static unsigned allocations, fails_at;
static bool fired;

static void *allocate(size_t size)
{
    if (++allocations == fails_at) {
        fired = true;
        return NULL;
    }
    return malloc(size);
}

static void set_fault(unsigned at)
{
    cJSON_Hooks hooks = {.malloc_fn = allocate, .free_fn = free};
    cJSON_InitHooks(&hooks);
    allocations = 0;
    fails_at = at;
    fired = false;
}

static void add(struct journal *j, const char *id, const struct requester *who)
{
    static const struct api_result result = {
        .err = -EBUSY, .status = 409, .error_code = "SYNC_RUNNING", .request_id = "r1"};
    struct journal_note note = {.operation = "archive",
                                .id = id,
                                .who = who,
                                .err = -EBUSY,
                                .result = &result,
                                .reason = "HTTP 409",
                                .each = true};
    journal_add(j, &note);
}

static void refuse(struct journal *j, const char *id, int err, uid_t uid)
{
    struct requester who = {.uid = uid};
    struct journal_note note = {
        .operation = "archive", .id = id, .who = &who, .err = err, .reason = "refused"};
    journal_add(j, &note);
}

static void check_member(const cJSON *line, const char *name, const char *want)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(line, name);
    const char *got = cJSON_IsString(member) ? member->valuestring : "(none)";
    CHECK_STR(got, want);
}

static void test_a_line_has_all_its_members(void)
{
    struct requester who = {.uid = 1000, .pid = 42};
    struct journal *j;
    struct buf text;
    snprintf(who.command, sizeof who.command, "rmdir");
    buf_init(&text, 10000);
    CHECK_INT(journal_new(&j), 0);
    add(j, ID, &who);
    CHECK_INT(journal_render(j, &text), 0);
    cJSON *line = cJSON_Parse(text.data);
    CHECK_INT(cJSON_GetArraySize(line), 14);
    check_member(line, "operation", "archive");
    check_member(line, "id", ID);
    check_member(line, "command", "rmdir");
    check_member(line, "errorCode", "SYNC_RUNNING");
    check_member(line, "message", "HTTP 409");
    check_member(line, "requestId", "r1");
    check_member(line, "errno", "EBUSY");
    check_member(line, "hint", failure_hint(FAILURE_NONE, 409));
    cJSON_Delete(line);
    buf_free(&text);
    journal_free(j);
}

/* Whichever allocation fails: the error is told, and no line is there that lacks something. */
static void test_no_line_without_its_id(void)
{
    struct requester who = {.uid = 1000, .pid = 42};
    struct journal *j;
    CHECK_INT(journal_new(&j), 0);
    add(j, ID, &who);
    unsigned at = 0;
    do {
        struct buf text;
        buf_init(&text, 10000);
        set_fault(++at);
        int err = journal_render(j, &text);
        CHECK_INT(err, fired ? -ENOMEM : 0);
        CHECK((text.len == 0) == fired);
        buf_free(&text);
    } while (fired);
    CHECK(at > 2 * 14); /* each member is an allocation of its own, with a name or a text */
    cJSON_InitHooks(NULL);
    journal_free(j);
}

static void test_the_last_ones_are_kept(void)
{
    struct journal *j;
    struct buf text;
    buf_init(&text, 1 << 20);
    CHECK_INT(journal_new(&j), 0);
    CHECK_INT(journal_render(j, &text), 0);
    CHECK_INT(text.len, 0);
    for (unsigned i = 0; i < JOURNAL_MAX + 2; i++) {
        char id[16];
        snprintf(id, sizeof id, "id-%u", i);
        add(j, id, NULL);
    }
    CHECK_INT(journal_count(j), JOURNAL_MAX + 2);
    CHECK_INT(journal_render(j, &text), 0);
    CHECK(strstr(text.data, "\"id-1\"") == NULL);
    CHECK(strstr(text.data, "\"id-2\"") != NULL);
    CHECK(strstr(text.data, "\"id-257\"") != NULL);
    CHECK(strstr(text.data, "\"uid\"") == NULL);
    buf_free(&text);
    /* A buffer that is too small is an error, not a line that is cut. */
    buf_init(&text, 100);
    CHECK_INT(journal_render(j, &text), -EFBIG);
    CHECK_INT(text.len, 0);
    buf_free(&text);
    journal_free(j);
}

static unsigned count_lines(const struct journal *j, struct buf *text)
{
    unsigned lines = 0;
    buf_init(text, 1 << 20);
    CHECK_INT(journal_render(j, text), 0);
    for (const char *at = text->data; at != NULL && (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    return lines;
}

/* A thousand refusals, with another failure every few, leave the failures before them in sight. */
static void test_what_repeats_is_counted(void)
{
    struct journal *j;
    struct buf text;
    CHECK_INT(journal_new(&j), 0);
    add(j, "a-real-failure", NULL);
    for (unsigned i = 1; i <= 1000; i++) {
        char id[16];
        snprintf(id, sizeof id, "id-%u", i);
        refuse(j, id, -EDQUOT, 7);
        if (i % 10 == 0)
            refuse(j, "", -EIO, 7);
    }
    CHECK_INT(journal_count(j), 1101);
    CHECK_INT(count_lines(j, &text), 3);
    CHECK(strstr(text.data, "\"a-real-failure\"") != NULL);
    CHECK(strstr(text.data, "\"id-999\"") == NULL);
    const char *last = strstr(text.data, "\"id-1000\"");
    CHECK(last != NULL && strstr(last, "\"count\":1000}") != NULL);
    CHECK(strstr(text.data, "\"count\":1}\n") < last);
    buf_free(&text);
    journal_free(j);
}

static void test_what_differs_has_a_line_of_its_own(void)
{
    struct journal *j;
    struct buf text;
    CHECK_INT(journal_new(&j), 0);
    refuse(j, ID, -EDQUOT, 7);
    refuse(j, ID, -EDQUOT, 8); /* another user */
    refuse(j, ID, -EPERM, 8);
    add(j, "first", NULL);
    add(j, "second", NULL); /* each is to have its line */
    add(j, "first", NULL);
    CHECK_INT(count_lines(j, &text), 5);
    CHECK(strstr(text.data, "\"count\":2}") != NULL);
    buf_free(&text);
    journal_free(j);
}

int main(void)
{
    test_a_line_has_all_its_members();
    test_no_line_without_its_id();
    test_the_last_ones_are_kept();
    test_what_repeats_is_counted();
    test_what_differs_has_a_line_of_its_own();
    return check_report();
}
