/*
 * delete: a request that asks for one deletion, from its start to the reply.
 */
#ifndef BIGDATAFS_FUSE_DELETE_H
#define BIGDATAFS_FUSE_DELETE_H

#include "park.h"

/* Starts the deletion and parks the request until it has ended; then, or at once when it cannot
 * start, resume is called with its errno or 0. Of asked, connector, fate and size count: fate is
 * what becomes of the connector's directory while the kernel waits, FATE_NOTIFY when it holds no
 * lock of a directory. */
void delete_and_park(fuse_req_t req, enum request_op op, const struct parked_deletion *asked,
                     parked_fn *resume);

/* The fuse id of the connector's directory, 0 when the kernel does not know it: the victim of a
 * lock for its removal. */
uint64_t delete_id_of_directory(struct context *c, const struct connector *connector);

#endif
