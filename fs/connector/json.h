/*
 * json: the text of a snapshot as cJSON sees it.
 *
 * cJSON ends a string at its first NUL and rejects a whole text for one lone surrogate. So before
 * it parses, an escaped NUL becomes the bytes C0 80 (as in "modified UTF-8") and a lone surrogate,
 * which has no UTF-8, U+FFFD. Texts without such escapes, nearly all, are not copied.
 */
#ifndef BIGDATAFS_CONNECTOR_JSON_H
#define BIGDATAFS_CONNECTOR_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "bigdatafs/base/compiler.h"

/* Parses text, NUL-terminated and of len bytes, into an object for cJSON_Delete. *nul tells that C0
 * 80 in its strings means NUL. -EBADMSG: no JSON object, or something after it; -ENOMEM. */
int json_parse(const char *text, size_t len, bool *nul, cJSON **out) MUST_CHECK;

#endif
