/*
 * listing: the answer of GET /contents/v1/connectors, {"results": [object, ...]}, split into its
 * elements as the bytes arrive, so that no turn of the loop and no buffer grows with the list.
 *
 * It checks the JSON around the elements (one top-level object, one array member "results", other
 * members skipped, nothing but white space after it) and hands each element's text to the
 * callback, which parses it. Bytes may be split anywhere.
 */
#ifndef BIGDATAFS_SERVICE_LISTING_H
#define BIGDATAFS_SERVICE_LISTING_H

#include <stddef.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"

enum {
    LISTING_ELEMENT_MAX = 1 << 20, /* bytes of one element */
    LISTING_DEPTH_MAX = 256,       /* nesting of JSON */
};

/* Called with each element, an object, NUL-terminated and borrowed for the call. A negative errno
 * ends the parse and is returned by listing_feed. */
typedef int listing_element_fn(void *arg, const char *json, size_t len);

struct listing; /* opaque */

int listing_new(listing_element_fn *element, void *arg, struct listing **out) MUST_CHECK;
void listing_free(struct listing *l); /* NULL is fine */

/* -EBADMSG: not such an answer; -EFBIG: a maximum is passed; the callback's error. After an error
 * every further call returns it again. */
int listing_feed(struct listing *l, const char *bytes, size_t len) MUST_CHECK;

/* To be called at the end of the answer: -EBADMSG when it was cut short or had no results. */
int listing_finish(struct listing *l) MUST_CHECK;

#endif
