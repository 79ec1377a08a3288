#include "bigdatafs/service/failure.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct verdict {
    int err; /* positive, or 0 */
    const char *text;
    const char *hint;
};

static const struct verdict failures[] = {
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
    [FAILURE_LIBRARY] = {EIO, "libcurl cannot make the request",
                         "the libcurl that this program runs with lacks something that it needs: "
                         "use the one that came with your system"},
};

/* The first row whose range holds the status is the one that counts. The last one holds any. */
static const struct {
    long low;
    long high;
    int err;
    const char *hint;
} statuses[] = {
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

static bool is_known(enum failure failure)
{
    return (size_t)failure < sizeof failures / sizeof failures[0];
}

static struct verdict verdict_of(enum failure failure, long http_status)
{
    if (failure != FAILURE_NONE)
        return failures[is_known(failure) ? failure : FAILURE_BROKEN];
    size_t row = 0;
    while (http_status < statuses[row].low || http_status > statuses[row].high)
        row++;
    return (struct verdict){
        .err = statuses[row].err, .text = failures[FAILURE_NONE].text, .hint = statuses[row].hint};
}

int failure_errno(enum failure failure, long http_status)
{
    return -verdict_of(failure, http_status).err;
}

const char *failure_hint(enum failure failure, long http_status)
{
    return verdict_of(failure, http_status).hint;
}

const char *failure_text(enum failure failure)
{
    return verdict_of(failure, 0).text;
}

#define NAMED(err) (err), #err

static const struct {
    int err;
    const char *name;
} names[] = {
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
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (err == names[i].err || err == -names[i].err)
            return names[i].name;
    return "E?";
}
