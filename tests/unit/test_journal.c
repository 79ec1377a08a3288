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
                                .reason = "HTTP 409"};
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
    CHECK_INT(cJSON_GetArraySize(line), 12);
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
    CHECK(at > 2 * 12); /* each member is an allocation of its own, with a name or a text */
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

int main(void)
{
    test_a_line_has_all_its_members();
    test_no_line_without_its_id();
    test_the_last_ones_are_kept();
    return check_report();
}
