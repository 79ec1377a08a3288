#include "bigdatafs/service/failure.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "check.h"

static void test_statuses(void)
{
    static const struct {
        long status;
        int err;
    } wanted[] = {
        {200, 0},      {202, 0},      {204, 0},      {299, 0},          {400, EINVAL},
        {401, EACCES}, {403, EACCES}, {404, ENOENT}, {405, EOPNOTSUPP}, {409, EBUSY},
        {422, EINVAL}, {423, EBUSY},  {429, EAGAIN}, {501, EOPNOTSUPP}, {504, ETIMEDOUT},
        {500, EIO},    {502, EIO},    {503, EIO},    {599, EIO},        {301, EIO},
        {304, EIO},    {402, EIO},    {418, EIO},    {499, EIO},        {100, EIO},
        {0, EIO},      {-1, EIO},     {600, EIO},    {LONG_MAX, EIO},   {LONG_MIN, EIO},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!CHECK_INT(failure_errno(FAILURE_NONE, wanted[i].status), -wanted[i].err))
            fprintf(stderr, "    for status %ld\n", wanted[i].status);
}

static void test_failures(void)
{
    CHECK_INT(failure_errno(FAILURE_UNREACHABLE, 0), -EHOSTUNREACH);
    CHECK_INT(failure_errno(FAILURE_TIMEOUT, 0), -ETIMEDOUT);
    CHECK_INT(failure_errno(FAILURE_TLS, 0), -EIO);
    CHECK_INT(failure_errno(FAILURE_BROKEN, 0), -EIO);
    CHECK_INT(failure_errno(FAILURE_TOO_LARGE, 0), -EIO);
    CHECK_INT(failure_errno(FAILURE_MALFORMED, 0), -EIO);
    CHECK_INT(failure_errno(FAILURE_MEMORY, 0), -ENOMEM);
    CHECK_INT(failure_errno(FAILURE_LIBRARY, 0), -EIO);
    /* A failure that is none of the table is told as a broken connection. */
    CHECK_INT(failure_errno((enum failure)(FAILURE_LIBRARY + 1), 0), -EIO);
    CHECK_STR(failure_hint((enum failure)(FAILURE_LIBRARY + 1), 0),
              failure_hint(FAILURE_BROKEN, 0));
    /* A failure after the head of a 200 is a failure. */
    CHECK_INT(failure_errno(FAILURE_BROKEN, 200), -EIO);
    CHECK_INT(failure_errno(FAILURE_MALFORMED, 200), -EIO);
}

static void check_sentence(const char *hint)
{
    if (CHECK(hint != NULL && hint[0] != '\0'))
        CHECK(hint[strlen(hint) - 1] != '.');
}

static void test_hints(void)
{
    for (long status = 0; status < 700; status++)
        check_sentence(failure_hint(FAILURE_NONE, status));
    for (int failure = FAILURE_NONE; failure <= FAILURE_LIBRARY; failure++) {
        check_sentence(failure_hint((enum failure)failure, 0));
        check_sentence(failure_text((enum failure)failure));
    }
    CHECK(strstr(failure_hint(FAILURE_NONE, 401), "key") != NULL);
    CHECK(strstr(failure_hint(FAILURE_NONE, 403), "owner") != NULL);
    CHECK(strstr(failure_hint(FAILURE_NONE, 429), "too many requests") != NULL);
    CHECK(strstr(failure_hint(FAILURE_NONE, 503), "fault of its own") != NULL);
    CHECK(strstr(failure_hint(FAILURE_NONE, 302), "redirect") != NULL);
    CHECK(strstr(failure_hint(FAILURE_TLS, 0), "certificates") != NULL);
    CHECK(strstr(failure_hint(FAILURE_UNREACHABLE, 401), "network") != NULL);
    CHECK_STR(failure_text(FAILURE_NONE), "HTTP");
}

static void test_names(void)
{
    CHECK_STR(failure_errno_name(ENOENT), "ENOENT");
    CHECK_STR(failure_errno_name(-ENOENT), "ENOENT");
    CHECK_STR(failure_errno_name(-EDQUOT), "EDQUOT");
    CHECK_STR(failure_errno_name(EAGAIN), "EAGAIN");
    CHECK_STR(failure_errno_name(EOPNOTSUPP), "EOPNOTSUPP");
    CHECK_STR(failure_errno_name(0), "E?");
    CHECK_STR(failure_errno_name(INT_MIN), "E?");
    CHECK_STR(failure_errno_name(INT_MAX), "E?");

    static const int known[] = {EPERM,  ENOENT,    EINTR,        EIO,          EAGAIN,
                                ENOMEM, EACCES,    EBUSY,        EEXIST,       EINVAL,
                                EROFS,  EDQUOT,    EOPNOTSUPP,   ENOTEMPTY,    ENOTDIR,
                                EISDIR, ETIMEDOUT, EHOSTUNREACH, EFBIG,        EBADMSG,
                                ENOSPC, EOVERFLOW, ENOSYS,       ENAMETOOLONG, EXDEV};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        CHECK(strcmp(failure_errno_name(-known[i]), "E?") != 0);
}

int main(void)
{
    test_statuses();
    test_failures();
    test_hints();
    test_names();
    return check_report();
}
