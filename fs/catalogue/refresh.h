/*
 * refresh: takes one list of the service into the table of connectors: compares each element with
 * what is known, applies the differences in slices, and asks for connectors that the list lacks
 * before it believes that they are gone. Used by catalogue.c alone.
 *
 *   state       what happens, and what is held               what ends it           next
 *   IDLE        nothing, nothing                             refresh_start          LISTING
 *   LISTING     elements arrive and are staged; the table    the list is whole      COMMITTING
 *               is as it was                                 it failed, or is not   IDLE
 *                                                            modified
 *   COMMITTING  what is staged is applied, one element       none is left           COMPARING
 *               after the other
 *   COMPARING   the connectors that the list lacks though    all were compared      VERIFYING
 *               it should have them become suspects          and none is suspect    CONCLUDING
 *   VERIFYING   up to REFRESH_SAMPLE suspects are asked      all answers are in     CONCLUDING
 *               for; of these, those go that the service     none could be asked    CONCLUDING
 *               calls gone
 *   CONCLUDING  the other suspects go too if each one that   all were looked at     IDLE
 *               was asked for is gone or archived, and
 *               stay if not
 *
 * The steps of COMMITTING, COMPARING and CONCLUDING are taken in slices (loop_should_yield), and
 * anything may happen between two of them. In every state a connector that changed after the list
 * was asked for keeps what it has. When the table is not what the list says at the end, the
 * service is made to send the next list whole (api_forget_list).
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
    REFRESH_SAMPLE = 16,         /* suspects asked for */
    REFRESH_BYTES_MAX = 1 << 30, /* of all elements whose text is not what was there */
};

struct refresh_host {
    /* The connector has this snapshot now, or is gone (NULL): sets it and tells who observes. */
    void (*set)(void *arg, struct connector *connector, struct snapshot *snapshot);
    /* The end of the list: how fetching it ended, and how many of its elements are shown nowhere.
     * Another may be started. */
    void (*done)(void *arg, const struct api_result *result, unsigned left_out);
    void *arg;
};

struct refresh;

/* What a refresh is made from; all borrowed. */
struct refresh_parts {
    struct loop *loop;
    struct log *log;
    struct api *api;
    struct connectors *connectors;
};

int refresh_new(const struct refresh_parts *parts, const struct refresh_host *host,
                struct refresh **out) MUST_CHECK;
void refresh_free(struct refresh *r); /* cancels; NULL is fine */

/* Starts taking a list, which none may be under way for; done comes later, once. changes is the
 * count of changes at this moment: connectors whose last one is counted higher changed after it. */
int refresh_start(struct refresh *r, uint64_t changes) MUST_CHECK;
bool refresh_under_way(const struct refresh *r);

#endif
