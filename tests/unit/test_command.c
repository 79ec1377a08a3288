#include "bigdatafs/inode/command.h"

#include <errno.h>
#include <stdlib.h>

#include "bigdatafs/base/uuid.h"
#include "check.h"

#define ID "019a9612-bfad-758c-884e-37dd8c6ad2cb"

static int ask(const char *text, bool confirm_id)
{
    return command_force_delete(text, strlen(text), ID, confirm_id);
}

static void test_words(void)
{
    static const char *const good[] = {"1", "true", "yes", "delete", ID};
    char line[64];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_INT(ask(good[i], false), 0);
        snprintf(line, sizeof line, "%s\n", good[i]);
        CHECK_INT(ask(line, false), 0);
        snprintf(line, sizeof line, "%s\n\n", good[i]);
        CHECK_INT(ask(line, false), -EINVAL);
        snprintf(line, sizeof line, " %s", good[i]);
        CHECK_INT(ask(line, false), -EINVAL);
    }
}

static void test_everything_else(void)
{
    static const char *const bad[] = {"",      "\n",         "0",          "2",        "11",
                                      "TRUE",  "no",         "idle",       "deleting", "stalled",
                                      "1\r\n", "yes please", "delete " ID, ID ID};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_INT(ask(bad[i], false), -EINVAL);
    CHECK_INT(command_force_delete("1\0", 2, ID, false), -EINVAL);
}

static void test_confirm_id(void)
{
    CHECK_INT(ask("1", true), -EINVAL);
    CHECK_INT(ask("delete\n", true), -EINVAL);
    CHECK_INT(ask(ID, true), 0);
    CHECK_INT(ask(ID "\n", true), 0);
    CHECK_INT(ask("019a9612-bfad-758c-884e-37dd8c6ad2cc", true), -EINVAL);
}

/* Ids, one a line */

#define ID1 "019a9612-bfad-758c-884e-000000000001"
#define ID2 "019a9612-bfad-758c-884e-000000000002"

static int ids_at(struct command_lines *lines, uint64_t offset, const char *text, size_t len,
                  uuid_text **ids, size_t *count)
{
    struct command_text write = {.offset = offset, .len = len, .text = text};
    return command_ids(lines, &write, ids, count);
}

/* Gives text to command_ids in writes of at most so many bytes; the ids taken, with a space behind
 * each, or the number of the write that was refused. */
static const char *feed(const char *text, size_t piece, char out[static 512])
{
    struct command_lines lines = {0};
    size_t offset = 0, len = strlen(text);
    char *end = out;
    *end = '\0';
    for (unsigned n = 1; offset < len; n++) {
        struct command_lines before = lines;
        size_t size = len - offset < piece ? len - offset : piece, count;
        uuid_text *ids;
        if (ids_at(&lines, offset, text + offset, size, &ids, &count) < 0) {
            CHECK(memcmp(&before, &lines, sizeof lines) == 0);
            snprintf(end, 32, "refused %u line %zu", n, count + 1);
            return out;
        }
        for (size_t i = 0; i < count; i++)
            end += snprintf(end, 64, "%s ", ids[i]);
        free(ids);
        offset += size;
    }
    return out;
}

static void test_ids(void)
{
    char out[512];
    CHECK_STR(feed(ID1 "\n" ID2 "\n", 512, out), ID1 " " ID2 " ");
    CHECK_STR(feed(ID2, 512, out), ID2 " ");
    CHECK_STR(feed(ID2 "\n" ID1, 512, out), ID2 " ");
    CHECK_STR(feed(ID2 "\n" ID1 "\n" ID2 "\n" ID2 "\n", 512, out), ID2 " " ID1 " ");
    CHECK_STR(feed("", 512, out), "");
    CHECK_STR(feed("\n", 512, out), "refused 1 line 1");
    CHECK_STR(feed(ID1 "\n\n" ID2, 512, out), "refused 1 line 2");
    CHECK_STR(feed(ID1 ID2, 512, out), "refused 1 line 1");
    CHECK_STR(feed("019a96", 512, out), "refused 1 line 1");
    CHECK_STR(feed(ID1 "\n019a96\n", 512, out), "refused 1 line 2");
    CHECK_STR(feed(ID1 "\n019a96x", 512, out), "refused 1 line 2");
}

static void test_ids_in_pieces(void)
{
    char out[512];
    for (size_t piece = UUID_LEN; piece < 2 * UUID_LEN + 3; piece++) {
        CHECK_STR(feed(ID1 "\n" ID2 "\n", piece, out), ID1 " " ID2 " ");
        bool alone = piece == UUID_LEN + 1; /* the second write is nothing else */
        CHECK_STR(feed(ID1 "\n" ID2, piece, out), alone ? ID1 " " ID2 " " : ID1 " ");
    }
    CHECK_STR(feed(ID1 "\n" ID2 "\n", UUID_LEN - 1, out), "refused 1 line 1");
    CHECK_STR(feed(ID1 ID2, UUID_LEN, out), ID1 " refused 2 line 1");
    CHECK_STR(feed(ID1 "\n" ID2 "x\n", UUID_LEN + 9, out), ID1 " refused 2 line 1");
}

static void test_offsets_of_ids(void)
{
    struct command_lines lines = {0};
    uuid_text *ids;
    size_t count;
    CHECK_INT(ids_at(&lines, 1, ID1, UUID_LEN, &ids, &count), -EINVAL);
    CHECK_INT(ids_at(&lines, 0, ID1 "\n019a", UUID_LEN + 5, &ids, &count), 0);
    free(ids);
    CHECK(command_is_unfinished(&lines));
    CHECK_INT(ids_at(&lines, 0, ID2, UUID_LEN, &ids, &count), -EINVAL);
    CHECK_INT(ids_at(&lines, UUID_LEN + 5, &(ID2 "\n")[4], UUID_LEN - 3, &ids, &count), 0);
    CHECK_STR(ids[0], ID2);
    free(ids);
    CHECK(!command_is_unfinished(&lines));
    CHECK_INT(ids_at(&lines, 0, ID1 "\n", UUID_LEN + 1, &ids, &count), 0);
    CHECK_INT(count, 1);
    free(ids);
}

/* A longer line that is cut behind its 36th byte looks like an id without its newline. */
static void test_an_id_that_may_go_on(void)
{
    char out[512];
    CHECK_STR(feed(ID1 "\n" ID2 ",x\n", 2 * UUID_LEN + 1, out), ID1 " refused 2 line 1");
    CHECK_STR(feed(ID1 "\n" ID2 "\n", 2 * UUID_LEN + 1, out), ID1 " " ID2 " ");
    struct command_lines lines = {0};
    uuid_text *ids;
    size_t count;
    CHECK_INT(ids_at(&lines, 0, ID1 "\n" ID2, 2 * UUID_LEN + 1, &ids, &count), 0);
    free(ids);
    CHECK_INT(count, 1);
    CHECK(command_is_unfinished(&lines) && command_lacks_newline(&lines));
    CHECK_INT(ids_at(&lines, 0, ID2, UUID_LEN, &ids, &count), -EINVAL);
    struct command_lines given_up = lines;
    CHECK_INT(ids_at(&lines, 2 * UUID_LEN + 1, "\n", 1, &ids, &count), 0);
    CHECK_STR(ids[0], ID2);
    free(ids);
    command_give_up(&given_up);
    CHECK(!command_is_unfinished(&given_up) && !command_lacks_newline(&given_up));
    CHECK_INT(ids_at(&given_up, 2 * UUID_LEN + 1, "\n", 1, &ids, &count), -EINVAL);
    CHECK_INT(ids_at(&given_up, 0, ID1, UUID_LEN, &ids, &count), 0);
    free(ids);
    command_give_up(&given_up); /* its line was taken */
    CHECK_INT(ids_at(&given_up, UUID_LEN, "\n", 1, &ids, &count), 0);
    free(ids);
    CHECK_INT(count, 0);
}

int main(void)
{
    test_an_id_that_may_go_on();
    test_words();
    test_everything_else();
    test_confirm_id();
    test_ids();
    test_ids_in_pieces();
    test_offsets_of_ids();
    return check_report();
}
