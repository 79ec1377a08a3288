/*
 * access: the access log, one JSON line per request. It never holds the value of a key.
 */
#ifndef BIGDATAFS_SANDBOX_ACCESS_H
#define BIGDATAFS_SANDBOX_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler.h"

struct access_line {
    const char *method;
    const char *path;
    const char *query;
    const char *user_agent; /* NULL is null */
    const char *request_id;
    unsigned status;
    size_t bytes; /* of the answer's body */
    bool key;     /* whether there was an X-API-KEY that is not empty */
};

/* Opens the file for appending, mode 0600 when it is new; *fd is the caller's to close. */
int access_open(const char *path, int *fd) MUST_CHECK;

/* Appends the line with one write; after it, readers of the file see the line. */
int access_write(int fd, const struct access_line *line) MUST_CHECK;

#endif
