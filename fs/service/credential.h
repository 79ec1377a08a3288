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
#include "bigdatafs/base/loop.h"
#include "client.h"
#include "http.h"

struct credential;

/* Strings are copied. */
struct credential_config {
    const char *api_key_file; /* or NULL: the other places */
    const char *fixed_key;    /* the key itself, for a sandbox; or NULL */
    const char *mountpoint;   /* without links: a file below it is refused; or NULL */
};

int credential_new(struct loop *loop, const struct credential_config *config,
                   struct credential **out) MUST_CHECK;
void credential_free(struct credential *c); /* NULL is fine */

/* Reads the key for the first time and sets it: 0, or a negative errno with one sentence in
 * error. BIGDATA_API_KEY is gone from the environment, and from /proc, in either case. */
int credential_load(struct credential *c, struct http *http, char *error,
                    size_t error_size) MUST_CHECK;

/* A client_rekey_fn; arg is the struct credential. A file is read again when it changed, or with
 * refused (the service refused the key). One that cannot be read fails once, until it changes. A
 * thread looks at the file, and client_rekeyed tells the client: the loop never waits for a file
 * system, and a thread that does not come back is left to itself. */
enum rekey credential_rekey(void *arg, struct http *http, bool refused, char *why, size_t size);

/* Before the first credential_rekey. */
void credential_set_client(struct credential *c, struct client *client);

#endif
