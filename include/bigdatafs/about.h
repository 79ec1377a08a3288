/*
 * about: the read-only files of .bigdatafs, each rendered from the state of the parts at the moment
 * it is asked for: never from the network, never from a cache.
 */
#ifndef BIGDATAFS_ABOUT_H
#define BIGDATAFS_ABOUT_H

#include "bigdatafs/audit.h"
#include "bigdatafs/buf.h"
#include "bigdatafs/bulk.h"
#include "bigdatafs/catalogue.h"
#include "bigdatafs/client.h"
#include "bigdatafs/compiler.h"
#include "bigdatafs/deletion.h"
#include "bigdatafs/failures.h"
#include "bigdatafs/notify.h"
#include "bigdatafs/ops.h"

enum { ABOUT_MAX = 64 << 20 }; /* bytes of one file */

enum about_file { ABOUT_STATUS, ABOUT_ERRORS, ABOUT_JOBS, ABOUT_METRICS, ABOUT_FILES };

/* Borrowed parts. */
struct about {
    const char *source, *mountpoint;
    struct loop *loop;
    struct catalogue *catalogue;
    struct client *client;
    struct deletions *deletions;
    struct bulks *bulks;
    struct failures *failures;
    struct audit *audit;
    struct notify *notify;
    struct nodes *nodes;
    struct ops *ops;
};

const char *about_name(enum about_file file);
int about_render(const struct about *a, enum about_file file, struct buf *to) MUST_CHECK;

#endif
