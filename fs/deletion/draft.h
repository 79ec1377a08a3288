/*
 * draft: a line of the audit log under construction. What cannot be added, for want of memory,
 * makes it incomplete for good: no text comes of it.
 */
#ifndef BIGDATAFS_DELETION_DRAFT_H
#define BIGDATAFS_DELETION_DRAFT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "bigdatafs/deletion/audit_record.h"

struct draft {
    cJSON *object;
    bool complete;
};

/* With what all lines begin with. It ends in draft_finish. */
struct draft draft_new(const char *event, const struct audit_record *r);

void draft_text(struct draft *d, const char *name, const char *text);
void draft_number(struct draft *d, const char *name, double number);
void draft_json(struct draft *d, const char *name, const char *json);
/* What an intent's line says of how it was asked for. */
void draft_marks(struct draft *d, const struct audit_record *r);

/* The text of the line, to be freed, or NULL without memory. Frees the draft. */
char *draft_finish(struct draft *d);

#endif
