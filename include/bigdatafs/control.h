/*
 * control: what the content of a write to a control file means. Pure functions.
 */
#ifndef BIGDATAFS_CONTROL_H
#define BIGDATAFS_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "bigdatafs/compiler.h"

/* Whether the len bytes ask for the hard delete of the connector with this id: 1, true, yes, delete
 * or the id, with at most one newline after it; with confirm_id only the id. 0 or -EINVAL. */
int control_force_delete(const char *text, size_t len, const char *id, bool confirm_id) MUST_CHECK;

#endif
