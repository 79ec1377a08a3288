/*
 * about: the read-only files of .bigdatafs, each rendered from the state of the parts at the moment
 * it is asked for: never from the network, never from a cache.
 */
#ifndef BIGDATAFS_MOUNT_ABOUT_H
#define BIGDATAFS_MOUNT_ABOUT_H

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/deletion/bulk.h"
#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/fuse/session.h"
#include "bigdatafs/kernel/notify.h"
#include "bigdatafs/service/journal.h"
#include "client.h"

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
