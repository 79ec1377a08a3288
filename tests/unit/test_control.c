#include "bigdatafs/control.h"

#include <errno.h>

#include "check.h"

#define ID "019a9612-bfad-758c-884e-37dd8c6ad2cb"

static int ask(const char *text, bool confirm_id)
{
    return control_force_delete(text, strlen(text), ID, confirm_id);
}

static void test_words(void)
{
    static const char *const good[] = {"1", "true", "yes", "delete", ID};
    char line[64];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK_INT(ask(good[i], false), 0);
        snprintf(line, sizeof(line), "%s\n", good[i]);
        CHECK_INT(ask(line, false), 0);
        snprintf(line, sizeof(line), "%s\n\n", good[i]);
        CHECK_INT(ask(line, false), -EINVAL);
        snprintf(line, sizeof(line), " %s", good[i]);
        CHECK_INT(ask(line, false), -EINVAL);
    }
}

static void test_everything_else(void)
{
    static const char *const bad[] = {"",      "\n",         "0",          "2",        "11",
                                      "TRUE",  "no",         "idle",       "deleting", "stalled",
                                      "1\r\n", "yes please", "delete " ID, ID ID};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(ask(bad[i], false), -EINVAL);
    CHECK_INT(control_force_delete("1\0", 2, ID, false), -EINVAL);
}

static void test_confirm_id(void)
{
    CHECK_INT(ask("1", true), -EINVAL);
    CHECK_INT(ask("delete\n", true), -EINVAL);
    CHECK_INT(ask(ID, true), 0);
    CHECK_INT(ask(ID "\n", true), 0);
    CHECK_INT(ask("019a9612-bfad-758c-884e-37dd8c6ad2cc", true), -EINVAL);
}

int main(void)
{
    test_words();
    test_everything_else();
    test_confirm_id();
    return check_report();
}
