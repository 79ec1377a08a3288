/*
 * about: the read-only files of .bigdatafs, each rendered from the state of the parts at the moment
 * it is asked for: never from the network, never from a cache.
 */
#ifndef BIGDATAFS_MOUNT_ABOUT_H
#define BIGDATAFS_MOUNT_ABOUT_H

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/deletion/bulk.h"
#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/fuse/session.h"
#include "bigdatafs/inode/reports.h"
#include "bigdatafs/kernel/notify.h"
#include "bigdatafs/service/journal.h"
#include "bigdatafs/service/service.h"

/* Borrowed parts. */
struct about {
    const struct log *log;
    const char *source, *mountpoint;
    unsigned guard;
    enum deletion_kinds kinds;
    struct loop *loop;
    struct catalogue *catalogue;
    const struct service *service;
    struct deletions *deletions;
    struct bulks *bulks;
    struct journal *journal;
    struct audit *audit;
    struct notify *notify;
    struct nodes *nodes;
    struct session *session;
};

/* The files, for nodes_set_reports; about is borrowed. */
struct node_reports about_reports(struct about *about);

#endif
