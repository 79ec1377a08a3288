/*
 * log_queue: the thread that writes the log's lines. syslog(3) blocks while syslogd is stopped, and
 * write(2) while nobody reads the pipe that is stderr; here only this thread waits for them.
 *
 * Lines are written one after another in the order in which they came, and copied. At most
 * LOG_QUEUE_MAX wait; what comes then is lost and counted, and a line says so as soon as one can be
 * written, in the place of those that were lost. All functions are for one thread.
 */
#ifndef BIGDATAFS_BASE_LOG_QUEUE_H
#define BIGDATAFS_BASE_LOG_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"

enum { LOG_QUEUE_MAX = 1024 }; /* lines */

struct log_queue;

/* Writes one line, and may block. */
typedef void log_write_fn(bool to_syslog, int priority, const char *text);

/* The thread inherits the mask of signals: block them before. */
int log_queue_start(log_write_fn *write, struct log_queue **out) MUST_CHECK;

void log_queue_put(struct log_queue *q, bool to_syslog, int priority, const char *text);

/* How many lines were lost so far. */
uint64_t log_queue_lost(struct log_queue *q);

/* Waits until all lines are written, at most for max_ms. */
void log_queue_flush(struct log_queue *q, unsigned max_ms);

/* Waits like log_queue_flush, ends the thread and frees the queue. A thread that is still held by a
 * line then is left to itself, and frees the queue should it ever come back. */
void log_queue_stop(struct log_queue *q, unsigned max_ms);

#endif
