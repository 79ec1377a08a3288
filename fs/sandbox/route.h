/*
 * route: the parts of a request's URL and headers that decide what it is. All functions are pure.
 */
#ifndef BIGDATAFS_SANDBOX_ROUTE_H
#define BIGDATAFS_SANDBOX_ROUTE_H

#include <stdbool.h>

#include "compiler.h"

enum { ROUTE_ID_SIZE = 128 }; /* a longer id is no UUID and reads as "" */

enum route { ROUTE_UNKNOWN, ROUTE_LIST, ROUTE_CONNECTOR };

/* Splits the path at its slashes, then decodes each part. For ROUTE_CONNECTOR, id is the text in
 * the place of the connector's id. It is not checked, and "" when it cannot be decoded. */
enum route route_match(const char *path, char id[static ROUTE_ID_SIZE]);

enum route_force { ROUTE_ARCHIVE, ROUTE_HARD_DELETE, ROUTE_FORCE_INVALID };

/* What force_delete in the query asks for. */
enum route_force route_force_delete(const char *query);

/* Whether an Accept-Encoding, which may be NULL, takes gzip. */
bool route_accepts_gzip(const char *accept_encoding);

/* Whether an If-None-Match holds the tag, compared weakly, or is "*". */
bool route_etag_matches(const char *if_none_match, const char *etag);

#endif
