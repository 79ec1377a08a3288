/*
 * credential: the API key: where it is read from, and when it is read again. The first of
 *
 *   the file of -o api_key_file=
 *   BIGDATA_API_KEY, which is taken out of the environment
 *   $CREDENTIALS_DIRECTORY/bigdata-api-key
 *   $XDG_CONFIG_HOME/bigdatafs/api-key, by default ~/.config/bigdatafs/api-key
 *
 * A key is one line of printable ASCII without spaces. Its file must belong to the user or to root
 * and be readable by nobody else (but a credential of systemd's, which may have a group). The key
 * is in memory alone, zeroed when it is no longer needed, and never in a sentence or a log line.
 */
#ifndef BIGDATAFS_SERVICE_CREDENTIAL_H
#define BIGDATAFS_SERVICE_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "bigdatafs/base/compiler.h"
#include "client.h"
#include "http.h"

struct credential;

/* api_key_file, or NULL for the other places; fixed_key, or NULL: the key itself, for a sandbox;
 * mountpoint, without links, or NULL: a file below it is refused. All are copied. */
int credential_new(const char *api_key_file, const char *fixed_key, const char *mountpoint,
                   struct credential **out) MUST_CHECK;
void credential_free(struct credential *c); /* NULL is fine */

/* Reads the key for the first time and sets it: 0, or a negative errno with one sentence in
 * error. BIGDATA_API_KEY is gone from the environment, and from /proc, in either case. */
int credential_load(struct credential *c, struct http *http, char *error,
                    size_t error_size) MUST_CHECK;

/* A client_rekey_fn; arg is the struct credential. A file is read again when it changed, or with
 * refused (the service refused the key). One that cannot be read fails once, until it changes. */
enum rekey credential_rekey(void *arg, struct http *http, bool refused, char *why, size_t size);

#endif
