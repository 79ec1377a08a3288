/* Connectors of the service by number, for the tests of what handles many. */
#ifndef BIGDATAFS_TESTS_OBJECTS_H
#define BIGDATAFS_TESTS_OBJECTS_H

#include <stdbool.h>
#include <stdio.h>

#include "bigdatafs/base/uuid.h"

/* Until the next call. */
static inline const char *id_of(unsigned n)
{
    static uuid_text id;
    snprintf(id, sizeof id, "019a9612-bfad-758c-884e-%012u", n);
    return id;
}

/* The connector's JSON, until the next call; the texts of two revisions differ. */
static inline const char *object(unsigned n, bool archived, unsigned revision)
{
    static char json[160];
    snprintf(json, sizeof json, "{\"connector_id\":\"%s\",\"archived\":%s,\"name\":\"%u\"}",
             id_of(n), archived ? "true" : "false", revision);
    return json;
}

#endif
