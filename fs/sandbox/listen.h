/*
 * listen: the socket that the sandbox serves on: a Unix socket or loopback TCP, nothing else.
 */
#ifndef BIGDATAFS_SANDBOX_LISTEN_H
#define BIGDATAFS_SANDBOX_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "compiler.h"

enum { LISTEN_BACKLOG = 1024, LISTEN_NAME_SIZE = 160 };

struct endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_storage room;
        struct sockaddr_un local;
    } address;
    socklen_t len;
    dev_t dev; /* of the Unix socket that listen_open made, to remove no other */
    ino_t ino;
};

/* Takes unix:PATH, 127.0.0.1:PORT, [::1]:PORT or localhost:PORT. Anything else is -EINVAL. */
int listen_parse(const char *text, struct endpoint *out) MUST_CHECK;

/* Opens the socket, which is the caller's; clients can connect from then on. A Unix socket has mode
 * 0600 and replaces one at which nobody answers. Says why on stderr when it fails. */
int listen_open(struct endpoint *e, int *fd) MUST_CHECK;

/* Writes "unix:PATH" or "http://ADDRESS:PORT", with the port that the kernel chose. */
int listen_name(const struct endpoint *e, int fd, char out[static LISTEN_NAME_SIZE]) MUST_CHECK;

/* Removes the Unix socket if it is still the one that was opened and, if with_directory, its
 * directory if that is empty. */
void listen_remove(const struct endpoint *e, bool with_directory);

#endif
