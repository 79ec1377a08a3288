/* api_owner: what the owner of an api (service.c) may do with it beside the calls of api.h. */
#ifndef BIGDATAFS_SERVICE_API_OWNER_H
#define BIGDATAFS_SERVICE_API_OWNER_H

#include "bigdatafs/base/compiler.h"

struct api;
struct client;
struct loop;

/* timeout_s: how long one operation may take, with all its attempts. */
int api_new(struct loop *loop, struct client *client, unsigned timeout_s,
            struct api **out) MUST_CHECK;
void api_free(struct api *a); /* nothing may be under way; NULL is fine */

#endif
