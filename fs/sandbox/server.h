/*
 * server: HTTP over a listening socket, in one thread of libmicrohttpd. handler.h makes the
 * answers.
 */
#ifndef BIGDATAFS_SANDBOX_SERVER_H
#define BIGDATAFS_SANDBOX_SERVER_H

#include <stdint.h>

#include "compiler.h"
#include "handler.h"

enum {
    SERVER_CONNECTIONS_MAX = 1024,
    SERVER_IDLE_SECONDS = 300,     /* then a connection is closed */
    SERVER_URL_MAX = 16 << 10,     /* bytes; longer ones are answered as the unknown route */
    SERVER_DISCARD_MAX = 64 << 20, /* bytes of a body that are read to answer 413 */
    SERVER_LATENCY_MAX = 60000,    /* milliseconds */
};

struct server;

/* Takes over listen_fd, also when it fails. access_fd is borrowed; -1 is for no log. A request is
 * carried out at once and answered `latency` milliseconds later. */
int server_start(struct api *api, int listen_fd, int access_fd, int64_t latency,
                 struct server **out) MUST_CHECK;

/* Ends all connections, answered or not; NULL is fine. */
void server_stop(struct server *s);

#endif
