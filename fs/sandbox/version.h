/* version: names one state of the whole list of connectors. */
#ifndef BIGDATAFS_SANDBOX_VERSION_H
#define BIGDATAFS_SANDBOX_VERSION_H

#include <stdint.h>

enum { VERSION_INSTANCE_SIZE = 17 }; /* with the NUL */

struct list_version {
    char instance[VERSION_INSTANCE_SIZE]; /* of the database, random */
    int64_t counter;                      /* of the changes, kept in the database */
    int64_t changed_at;                   /* microseconds since 1970 */
};

#endif
