/*
 * service: the one door to the Content API. Makes and owns what an exchange needs (the API key, the
 * connections, the rules for sending again) and hands out the calls of api.h.
 */
#ifndef BIGDATAFS_SERVICE_SERVICE_H
#define BIGDATAFS_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/service/api.h"
#include "bigdatafs/service/stats.h"

/* Strings are copied. */
struct service_config {
    struct loop *loop;        /* borrowed */
    struct log *log;          /* borrowed */
    const char *base_url;     /* without a final slash */
    const char *unix_socket;  /* path, or NULL */
    const char *ca_file;      /* certificates to trust in place of the system's, or NULL */
    bool local;               /* loopback or Unix socket: no proxy */
    unsigned connections;     /* at most, those for GETs aside */
    unsigned timeout_s;       /* of one operation with all its attempts */
    const char *api_key_file; /* or NULL: the other places of bigdatafs(1) */
    const char *mountpoint;   /* of the program itself, or NULL: no key is read from below it */
    const char *fixed_key;    /* the key itself, for a sandbox; or NULL */
};

struct service;

/* Reads the API key: nothing is sent yet. A negative errno with one sentence in error. */
int service_new(const struct service_config *config, struct service **out, char *error,
                size_t error_size) MUST_CHECK;
/* No operation of api.h may be under way: who started one cancels it before. NULL is fine. */
void service_free(struct service *s);

struct api *service_api(struct service *s);
const struct service_stats *service_stats(const struct service *s);

#endif
