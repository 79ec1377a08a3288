/*
 * date: the dates of the API, RFC 3339: 2026-02-11T11:01:09.574095Z. A pure function.
 */
#ifndef BIGDATAFS_CONNECTOR_DATE_H
#define BIGDATAFS_CONNECTOR_DATE_H

#include <stdbool.h>
#include <time.h>

#include "bigdatafs/base/compiler.h"

/* False, and *out is as it was, for what is no such date, or one before 1970. A fraction finer than
 * nanoseconds is cut. */
bool date_parse(const char *text, struct timespec *out) MUST_CHECK;

#endif
