/*
 * credential: the API key: where it comes from, whether it may be used, and its renewal.
 *
 * From -o api_key_file=, else BIGDATA_API_KEY, else $CREDENTIALS_DIRECTORY/bigdata-api-key, else
 * $XDG_CONFIG_HOME (~/.config)/bigdatafs/api-key. A file that group or others can read is refused.
 * The key is in this module's memory and in http.c's alone, zeroed when done with; it is in no
 * message.
 */
#ifndef BIGDATAFS_CREDENTIAL_H
#define BIGDATAFS_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "bigdatafs/compiler.h"
#include "bigdatafs/http.h"

struct credential;

/* file: of -o api_key_file=, or NULL. fixed: a key that is no secret, for the sandbox, or NULL. */
int credential_new(const char *file, const char *fixed, struct credential **out) MUST_CHECK;
void credential_free(struct credential *c); /* NULL is fine */

/* Reads the key and gives it to http. A negative errno with a sentence in error. */
int credential_load(struct credential *c, struct http *http, char *error,
                    size_t error_size) MUST_CHECK;

/* Reads a key from a file again if the file changed, or in any case when the service refused it.
 * 1: the key is another one and http has it; 0: it is the same; a negative errno: it cannot be
 * used, the old one stays. Fits client_rekey_fn: arg is the struct credential. */
int credential_rekey(void *arg, struct http *http, bool refused) MUST_CHECK;

#endif
