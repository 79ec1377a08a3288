/* stats: what the exchanges with the service came to since the start. */
#ifndef BIGDATAFS_SERVICE_STATS_H
#define BIGDATAFS_SERVICE_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct service_stats {
    uint64_t requests;       /* attempts that were started */
    uint64_t resends;        /* attempts after the first one of their call */
    uint64_t failed;         /* attempts that ended without an answer, or with 429 or 5xx but 501 */
    uint64_t circuit_opened; /* how often */
    bool circuit_open;       /* new calls end at once */
    uint64_t paced_until_ms; /* of loop_now; in the past when nothing is held back */
    unsigned under_way;      /* calls that have not ended */
};

#endif
