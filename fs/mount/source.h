/*
 * base_url: where the service is: what a user names as the source of a mount, checked and brought
 * into one form before anything is sent.
 *
 *   https://HOST[:PORT][/PATH]    any host
 *   http://HOST[:PORT][/PATH]     loopback alone: elsewhere the API key would be seen
 *   unix:/PATH                    a Unix socket
 *
 * The URL holds no user, password, query or fragment. Pure functions, but for the allocation.
 */
#ifndef BIGDATAFS_MOUNT_SOURCE_H
#define BIGDATAFS_MOUNT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "bigdatafs/base/compiler.h"

enum { SOURCE_MAX = 1024 }; /* bytes of a source */

struct source {
    char *url;         /* without a final slash; "http://localhost" for a Unix socket */
    char *unix_socket; /* path, or NULL */
    bool local;        /* loopback or a Unix socket: no proxy */
};

/* 0 and *out, which is the caller's; or -EINVAL, with one sentence in error, or -ENOMEM. */
int source_parse(const char *source, struct source *out, char *error, size_t error_size) MUST_CHECK;
void source_free(struct source *b); /* leaves it empty */

#endif
