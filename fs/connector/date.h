/*
 * date: the dates of the API, in the form of RFC 3339: 2026-02-11T11:01:09.574095Z. A pure
 * function.
 */
#ifndef BIGDATAFS_CONNECTOR_DATE_H
#define BIGDATAFS_CONNECTOR_DATE_H

#include <stdbool.h>
#include <time.h>

#include "bigdatafs/base/compiler.h"

/* Reads text, which ends with the date, into *out, seconds and nanoseconds since 1970 in UTC. What
 * is finer than a nanosecond is cut off. Returns false, and leaves *out as it was, when text is no
 * such date, when its year is before 1970, or when its offset puts it before 1970 in UTC. */
bool date_parse(const char *text, struct timespec *out) MUST_CHECK;

#endif
