/* Which programs mean it when they call rmdir(2). */
#include "caller.h"

#include "check.h"

/* words: a command line with spaces in place of NULs. */
static enum caller asked(const char *name, const char *words)
{
    char line[256];
    size_t len = strlen(words);
    snprintf(line, sizeof line, "%s", words);
    for (size_t i = 0; i < len; i++)
        if (line[i] == ' ')
            line[i] = '\0';
    return caller_of(name, line, len > 0 ? len + 1 : 0);
}

static void check_names(const char *const *names, size_t count, enum caller want)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(!caller_needs_words(names[i]));
        CHECK_INT(asked(names[i], ""), want);
    }
}

static void test_programs_that_ask(void)
{
    static const char *const names[] = {"rm", "mv", "find", "git", "rsync", ""};
    check_names(names, sizeof names / sizeof names[0], CALLER_ASKS);
}

static void test_programs_that_make_room(void)
{
    static const char *const names[] = {"tar", "bsdtar", "unzip", "cpio", "install"};
    check_names(names, sizeof names / sizeof names[0], CALLER_MAKES_ROOM);
}

static void test_programs_that_mean_it(void)
{
    static const char *const names[] = {"python3",    "perl",   "bash", "sh",
                                        "cleanup.sh", "rmdirs", "r"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK(!caller_needs_words(names[i]));
        CHECK_INT(asked(names[i], "python3 -c rm -p"), CALLER_MEANS_IT);
    }
}

static void test_rmdir_is_known_by_its_options(void)
{
    CHECK(caller_needs_words("rmdir"));
    CHECK_INT(asked("rmdir", "rmdir ID"), CALLER_MEANS_IT);
    CHECK_INT(asked("rmdir", "/bin/rmdir -v -- ID"), CALLER_MEANS_IT);
    CHECK_INT(asked("rmdir", "rmdir --verbose ID"), CALLER_MEANS_IT);
    CHECK_INT(asked("rmdir", "rmdir -- -p"), CALLER_MEANS_IT);
    CHECK_INT(asked("rmdir", "rmdir -p ID/config"), CALLER_ASKS);
    CHECK_INT(asked("rmdir", "rmdir -vp ID"), CALLER_ASKS);
    CHECK_INT(asked("rmdir", "rmdir --parents ID"), CALLER_ASKS);
    CHECK_INT(asked("rmdir", "rmdir --par ID"), CALLER_ASKS);
    CHECK_INT(asked("rmdir", "rmdir --ignore-fail-on-non-empty ID"), CALLER_ASKS);
    CHECK_INT(asked("rmdir", "rmdir --ig ID"), CALLER_ASKS);
    CHECK_INT(asked("rmdir", "rmdir ID -p"), CALLER_ASKS); /* options may come last */
    CHECK_INT(asked("rmdir", ""), CALLER_ASKS);            /* its words cannot be read */
}

static void test_one_program_for_many_commands(void)
{
    CHECK(caller_needs_words("busybox"));
    CHECK_INT(asked("busybox", "busybox rm -r ID"), CALLER_ASKS);
    CHECK_INT(asked("busybox", "/bin/busybox mv a b"), CALLER_ASKS);
    CHECK_INT(asked("busybox", "busybox rmdir ID"), CALLER_MEANS_IT);
    CHECK_INT(asked("busybox", "busybox rmdir -p ID"), CALLER_ASKS);
    CHECK_INT(asked("busybox", "rm -r ID"), CALLER_ASKS); /* a link to it */
    CHECK_INT(asked("busybox", "/bin/rmdir ID"), CALLER_MEANS_IT);
    CHECK_INT(asked("toybox", "toybox find . -delete"), CALLER_ASKS);
    CHECK_INT(asked("coreutils", "coreutils rm -r ID"), CALLER_ASKS);
    CHECK_INT(asked("busybox", "busybox sh -c x"), CALLER_MEANS_IT);
    CHECK_INT(asked("busybox", "busybox tar x"), CALLER_MAKES_ROOM);
    CHECK_INT(asked("busybox", "busybox"), CALLER_MAKES_ROOM);
    CHECK_INT(asked("busybox", ""), CALLER_MAKES_ROOM);
    CHECK_INT(asked("busybox", "busybox busybox rm"), CALLER_MAKES_ROOM);
}

/* A command line that is longer than what is looked at may go on with the option. */
static void test_a_cut_command_line_counts_as_asking(void)
{
    static const char words[] = "rmdir\0a\0b\0somewh";
    CHECK_INT(caller_of("rmdir", words, sizeof "rmdir\0a\0b"), CALLER_MEANS_IT);
    CHECK_INT(caller_of("rmdir", words, sizeof words - 1), CALLER_ASKS);
}

int main(void)
{
    test_programs_that_ask();
    test_programs_that_make_room();
    test_programs_that_mean_it();
    test_rmdir_is_known_by_its_options();
    test_one_program_for_many_commands();
    test_a_cut_command_line_counts_as_asking();
    return check_report();
}
