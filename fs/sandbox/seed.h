/*
 * seed: believable connectors for an empty database, of all three types, the same for equal n.
 */
#ifndef BIGDATAFS_SANDBOX_SEED_H
#define BIGDATAFS_SANDBOX_SEED_H

#include <stdint.h>

#include "compiler.h"
#include "store.h"

enum { SEED_MAX = 1000000 };

/* Leaves a database that is not empty as it is. */
int seed_fill(struct store *s, uint64_t n) MUST_CHECK;

#endif
