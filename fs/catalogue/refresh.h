/*
 * refresh: takes one list of the service into the table of connectors: compares each element with
 * what is known, applies the differences in slices, and asks for connectors that the list lacks
 * before it believes that they are gone. Used by catalogue.c alone.
 *
 *   state       what happens                                         next
 *   LISTING     elements arrive and are staged, nothing is applied   COMMITTING, or ends (error)
 *   COMMITTING  staged elements are applied                          COMPARING
 *   COMPARING   connectors that the list lacks are marked                 VERIFYING
 *   VERIFYING   up to REFRESH_SAMPLE missing connectors are asked
 *               for; none is removed before an answer says so        CONCLUDING
 *   CONCLUDING  what is gone is removed                              ends
 *
 * The steps that go through all elements or connectors are taken in slices (loop_should_yield).
 *
 * Invariants: until COMMITTING the table is as it was; a connector that changed after the list was
 * asked for keeps what it has.
 */
#ifndef BIGDATAFS_CATALOGUE_REFRESH_H
#define BIGDATAFS_CATALOGUE_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/service/api.h"

enum {
    REFRESH_SAMPLE = 16,         /* missing connectors asked for */
    REFRESH_BYTES_MAX = 1 << 30, /* of the elements that are not what was there */
};

struct refresh_host {
    /* Sets the connector's snapshot (NULL: gone) and tells the observers. */
    void (*set)(void *arg, struct connector *connector, struct snapshot *snapshot);
    void (*done)(void *arg, const struct api_result *result, unsigned left_out);
    void *arg;
};

struct refresh;

int refresh_new(struct loop *loop, struct api *api, struct log *log, struct connectors *connectors,
                const struct refresh_host *host, struct refresh **out) MUST_CHECK;
void refresh_free(struct refresh *r); /* cancels; NULL is fine */

/* Starts taking a list; done comes later, once. changes is the catalogue's change count now. */
int refresh_start(struct refresh *r, uint64_t changes) MUST_CHECK;
bool refresh_under_way(const struct refresh *r);

#endif
