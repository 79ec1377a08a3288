/*
 * log: the program's messages, one line each. They go to stderr as "bigdatafs: LEVEL: text" until
 * log_to_syslog is called, and to syslog from then on. Warnings and errors are limited to LOG_BURST
 * lines in LOG_WINDOW_MS; the first line after that says how many were left out.
 *
 * No line holds the API key: callers never pass it. Only one thread may use a log.
 */
#ifndef BIGDATAFS_BASE_LOG_H
#define BIGDATAFS_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "bigdatafs/base/compiler.h"

enum {
    LOG_LINE_MAX = 1024, /* bytes; a longer line is cut */
    LOG_BURST = 200,
    LOG_WINDOW_MS = 10000,
};

struct log {
    int threshold; /* LOG_ERR to LOG_DEBUG: lines whose priority is a larger number are dropped */
    bool to_syslog;
    uint64_t window_start_ms;
    unsigned in_window;  /* lines that were written since then */
    unsigned suppressed; /* lines that were left out since then */
};

void log_init(struct log *l, int threshold);
void log_to_syslog(struct log *l);

/* priority: LOG_ERR, LOG_WARNING, LOG_INFO or LOG_DEBUG. */
void log_line(struct log *l, int priority, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(l, ...) log_line((l), LOG_ERR, __VA_ARGS__)
#define log_warning(l, ...) log_line((l), LOG_WARNING, __VA_ARGS__)
#define log_info(l, ...) log_line((l), LOG_INFO, __VA_ARGS__)
#define log_debug(l, ...) log_line((l), LOG_DEBUG, __VA_ARGS__)

#endif
