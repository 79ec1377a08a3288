/*
 * failure: how an exchange with the service ended: the one table from that to errno, as in
 * bigdatafs(1), ERRORS, and to what a person reads; and each errno's name. It knows no libcurl:
 * http.c has the table from libcurl's codes to enum failure.
 */
#ifndef BIGDATAFS_SERVICE_FAILURE_H
#define BIGDATAFS_SERVICE_FAILURE_H

/* What became of an exchange with the service. */
enum failure {
    FAILURE_NONE,        /* an answer was received: its HTTP status tells */
    FAILURE_UNREACHABLE, /* no DNS, no route, refused */
    FAILURE_TIMEOUT,     /* the deadline passed */
    FAILURE_TLS,         /* handshake or certificate */
    FAILURE_BROKEN,      /* connection lost, answer cut short or not HTTP */
    FAILURE_TOO_LARGE,   /* the answer passed its maximum */
    FAILURE_MALFORMED,   /* a 2xx or 404 whose body is not what it must be */
    FAILURE_MEMORY,      /* no memory on this machine */
    FAILURE_LIBRARY,     /* libcurl on this machine cannot make such a request */
};

/* 0 for FAILURE_NONE with a 2xx status, else a negative errno. */
int failure_errno(enum failure failure, long http_status);

/* "ENOENT" for ENOENT or -ENOENT; "E?" when it is not one that this program uses. */
const char *failure_errno_name(int err);

/* What to check or do next, one plain sentence without a final stop; never NULL. */
const char *failure_hint(enum failure failure, long http_status);

/* The failure in a few words ("the deadline passed"); for FAILURE_NONE "HTTP". */
const char *failure_text(enum failure failure);

#endif
