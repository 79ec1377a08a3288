/* audit_record: what every line of the audit log names. A plain value. */
#ifndef BIGDATAFS_DELETION_AUDIT_RECORD_H
#define BIGDATAFS_DELETION_AUDIT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/request.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/snapshot.h"

enum { AUDIT_KEY_SIZE = 32 };

/* One deletion, from intent to its last line. */
struct audit_record {
    char key[AUDIT_KEY_SIZE]; /* set by audit_intent */
    enum request_op op;
    char id[UUID_LEN + 1];
    struct requester who;
    char label[SNAPSHOT_LABEL_SIZE];
    bool bulk, dry_run; /* how it was asked for */
    uint64_t age_s;     /* since the service last told of the connector */
};

#endif
