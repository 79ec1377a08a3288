/*
 * log: the program's messages, one line each. They go to stderr as "bigdatafs: LEVEL: text" until
 * log_to_syslog is called, and to syslog from then on. Warnings and errors are limited to LOG_BURST
 * lines in LOG_WINDOW_MS; the first line after that says how many were left out.
 *
 * From log_start on a thread writes the lines, and nothing here waits for whoever reads them, but
 * for LOG_FLUSH_MS where that is said. When too many lines wait, those that come are lost and
 * counted, and a line says so later.
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
    LOG_FLUSH_MS = 2000,
};

struct log_queue;

struct log {
    int threshold; /* LOG_ERR to LOG_DEBUG: lines whose priority is a larger number are dropped */
    bool to_syslog;
    struct log_queue *queue; /* NULL: each line is written at once, and its caller waits */
    uint64_t window_start_ms;
    unsigned in_window;  /* lines that were written since then */
    unsigned suppressed; /* lines that were left out since then */
};

void log_init(struct log *l, int threshold);

/* Starts the thread, which inherits the mask of signals. It would not survive a fork. */
int log_start(struct log *l) MUST_CHECK;
/* Waits until the lines so far are written, at most for LOG_FLUSH_MS. */
void log_flush(struct log *l);
/* Flushes and ends the thread. A line that is still not taken then holds the thread for ever, not
 * the caller; nothing may be logged any more. */
void log_stop(struct log *l);

/* Flushes first: what came before goes where it was meant to. */
void log_to_syslog(struct log *l);

/* How many lines were lost because nobody took them in time. */
uint64_t log_lost(const struct log *l);

/* priority: LOG_ERR, LOG_WARNING, LOG_INFO or LOG_DEBUG. */
void log_line(struct log *l, int priority, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(l, ...) log_line((l), LOG_ERR, __VA_ARGS__)
#define log_warning(l, ...) log_line((l), LOG_WARNING, __VA_ARGS__)
#define log_info(l, ...) log_line((l), LOG_INFO, __VA_ARGS__)
#define log_debug(l, ...) log_line((l), LOG_DEBUG, __VA_ARGS__)

#endif
