/*
 * multi: libcurl's transfers driven by the loop: its sockets and its timer are the loop's watches
 * and timer, and the end of each transfer is handed to its owner.
 *
 * An easy handle belongs to its owner, who takes it out with multi_remove before its cleanup. One
 * thread.
 */
#ifndef BIGDATAFS_SERVICE_MULTI_H
#define BIGDATAFS_SERVICE_MULTI_H

#include <curl/curl.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/loop.h"

struct multi;

/* The end of a transfer, called from the loop. The owner may remove, add and clean up handles. */
typedef void multi_done_fn(CURL *easy, CURLcode code);

/* connections: at most so many, idle ones too, and so many transfers on one of them. */
int multi_new(struct loop *loop, long connections, multi_done_fn *done,
              struct multi **out) MUST_CHECK;
void multi_free(struct multi *m); /* no handle may be in it; NULL is fine */

/* Starts the transfer; done is never called from within. CURLE_OUT_OF_MEMORY or CURLE_FAILED_INIT:
 * it was not started. */
CURLcode multi_add(struct multi *m, CURL *easy) MUST_CHECK;
/* A handle that is not in it is fine. */
void multi_remove(struct multi *m, CURL *easy);

#endif
