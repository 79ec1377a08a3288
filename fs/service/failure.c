#include "bigdatafs/service/failure.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

struct verdict {
    int err;
    const char *text;
    const char *hint;
};

static const struct verdict FAILURES[] = {
    [FAILURE_NONE] = {0, "HTTP", "nothing to do"},
    [FAILURE_UNREACHABLE] = {EHOSTUNREACH, "no DNS answer, no route or connection refused",
                             "the service cannot be reached: check the network, DNS, a proxy or "
                             "firewall, and the base URL"},
    [FAILURE_TIMEOUT] = {ETIMEDOUT, "the deadline passed",
                         "no answer in time: check the network and try again, or allow more time "
                         "with -o timeout="},
    [FAILURE_TLS] = {EIO, "TLS handshake or certificate failed",
                     "the server's identity could not be verified: check this machine's clock, its "
                     "CA certificates, and whether a proxy intercepts TLS"},
    [FAILURE_BROKEN] = {EIO, "connection lost or answer cut short",
                        "the connection broke before the answer was complete: check the network "
                        "and try again"},
    [FAILURE_TOO_LARGE] = {EIO, "the answer is too large",
                           "the answer is larger than this program accepts: check that the base "
                           "URL is that of the Content API"},
    [FAILURE_MALFORMED] = {EIO, "the answer is not what it must be",
                           "the answer is not the JSON of the Content API: check the base URL, and "
                           "whether a proxy or login page answers in its place"},
    [FAILURE_MEMORY] = {ENOMEM, "out of memory",
                        "this machine is out of memory: free some and try again"},
};

/* The first row whose range holds the status is the one that counts. */
static const struct {
    long low;
    long high;
    int err;
    const char *hint;
} STATUSES[] = {
    {200, 299, 0, "nothing to do"},
    {300, 399, EIO,
     "the service redirects elsewhere and redirects are never followed: check that the base URL is "
     "exactly that of the Content API"},
    {400, 400, EINVAL,
     "the service found the request malformed: check the connector id and see the message"},
    {401, 401, EACCES,
     "the API key was refused: check the key file and whether the key is still valid"},
    {403, 403, EACCES,
     "the service forbids this: check that the API key's owner may do it and that the base URL is "
     "right"},
    {404, 404, ENOENT,
     "the service knows no such connector: it may be gone already, so refresh the list and check "
     "the base URL"},
    {405, 405, EOPNOTSUPP,
     "the service does not offer this operation: check the base URL and for a newer bigdatafs"},
    {409, 409, EBUSY,
     "the connector is in use or changing: wait until its current work is done and try again"},
    {422, 422, EINVAL,
     "the service found the request invalid: check the connector id and see the message"},
    {423, 423, EBUSY, "the connector is locked: wait until it is free and try again"},
    {429, 429, EAGAIN,
     "too many requests with this API key: wait a while and try again, and look for other programs "
     "that use the key"},
    {501, 501, EOPNOTSUPP,
     "the service does not offer this operation: check the base URL and for a newer bigdatafs"},
    {504, 504, ETIMEDOUT,
     "the service did not finish in time: the request may have taken effect all the same, so "
     "refresh and check before trying again"},
    {500, 599, EIO,
     "the service has a fault of its own: try again later, and report the request id to its "
     "support if it stays"},
    {400, 499, EIO, "the service refused the request: see the message, and check the base URL"},
    {LONG_MIN, LONG_MAX, EIO,
     "the answer is not that of the Content API: check the base URL and any proxy"},
};

static size_t status_row(long status)
{
    size_t row = 0;
    while (status < STATUSES[row].low || status > STATUSES[row].high)
        row++;
    return row;
}

static const struct verdict *verdict_of(enum failure failure)
{
    size_t i = (size_t)failure;
    return &FAILURES[i < sizeof(FAILURES) / sizeof(FAILURES[0]) ? i : FAILURE_BROKEN];
}

int failure_errno(enum failure failure, long http_status)
{
    if (failure == FAILURE_NONE)
        return -STATUSES[status_row(http_status)].err;
    return -verdict_of(failure)->err;
}

const char *failure_hint(enum failure failure, long http_status)
{
    if (failure == FAILURE_NONE)
        return STATUSES[status_row(http_status)].hint;
    return verdict_of(failure)->hint;
}

const char *failure_text(enum failure failure)
{
    return verdict_of(failure)->text;
}

#define NAMED(err) (err), #err

static const struct {
    int err;
    const char *name;
} NAMES[] = {
    {NAMED(EPERM)},      {NAMED(ENOENT)},       {NAMED(EINTR)},    {NAMED(EIO)},
    {NAMED(EAGAIN)},     {NAMED(ENOMEM)},       {NAMED(EACCES)},   {NAMED(EBUSY)},
    {NAMED(EEXIST)},     {NAMED(EINVAL)},       {NAMED(EROFS)},    {NAMED(EDQUOT)},
    {NAMED(EOPNOTSUPP)}, {NAMED(ENOTEMPTY)},    {NAMED(ENOTDIR)},  {NAMED(EISDIR)},
    {NAMED(ETIMEDOUT)},  {NAMED(EHOSTUNREACH)}, {NAMED(EFBIG)},    {NAMED(EBADMSG)},
    {NAMED(ENOSPC)},     {NAMED(EOVERFLOW)},    {NAMED(ENOSYS)},   {NAMED(ENAMETOOLONG)},
    {NAMED(EXDEV)},      {NAMED(ECANCELED)},    {NAMED(ENOTCONN)}, {NAMED(EBADF)},
    {NAMED(EMFILE)},
};

const char *failure_errno_name(int err)
{
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (err == NAMES[i].err || err == -NAMES[i].err)
            return NAMES[i].name;
    return "E?";
}
