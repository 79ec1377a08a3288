/*
 * json: the text of a snapshot as cJSON sees it.
 *
 * cJSON ends a string at its first NUL, rejects a whole text for one lone surrogate, and takes a
 * NUL byte between two tokens for white space and \u without four hex digits for a NUL. So before
 * cJSON parses a text, an escaped NUL becomes the bytes C0 80 (as in "modified UTF-8"), and a lone
 * surrogate, which has no UTF-8, becomes U+FFFD; a text with a NUL byte or a broken \u is refused.
 * A text without \u is not copied.
 */
#ifndef BIGDATAFS_CONNECTOR_JSON_H
#define BIGDATAFS_CONNECTOR_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "bigdatafs/base/compiler.h"

/* Parses text, len bytes and a NUL after them, into an object that the caller frees with
 * cJSON_Delete. *nul tells whether the bytes C0 80 in its strings mean NUL. -EBADMSG: the text is
 * no JSON object, or holds more than one, or a NUL byte, or more than CJSON_NESTING_LIMIT levels;
 * -ENOMEM. */
int json_parse(const char *text, size_t len, bool *nul, cJSON **out) MUST_CHECK;

#endif
