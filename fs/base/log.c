#include "bigdatafs/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "log_queue.h"

void log_init(struct log *l, int threshold)
{
    *l = (struct log){.threshold = threshold};
}

static const char *level_name(int priority)
{
    switch (priority) {
    case LOG_ERR:
        return "error";
    case LOG_WARNING:
        return "warning";
    case LOG_INFO:
        return "info";
    default:
        return "debug";
    }
}

static void write_line(bool to_syslog, int priority, const char *text)
{
    if (to_syslog) {
        syslog(priority, "%s", text);
        return;
    }
    char line[LOG_LINE_MAX + 32];
    int n = snprintf(line, sizeof line, "bigdatafs: %s: %s\n", level_name(priority), text);
    size_t len = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    /* Each line is one write, so that the lines of several processes on one stderr do not mix. When
     * stderr cannot be written there is nobody left to tell. */
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
}

int log_start(struct log *l)
{
    return log_queue_start(write_line, &l->queue);
}

void log_flush(struct log *l)
{
    if (l->queue != NULL)
        log_queue_flush(l->queue, LOG_FLUSH_MS);
}

void log_stop(struct log *l)
{
    if (l->queue != NULL)
        log_queue_stop(l->queue, LOG_FLUSH_MS);
    l->queue = NULL;
}

void log_to_syslog(struct log *l)
{
    log_flush(l);
    openlog("bigdatafs", LOG_PID, LOG_DAEMON);
    l->to_syslog = true;
}

uint64_t log_lost(const struct log *l)
{
    return l->queue != NULL ? log_queue_lost(l->queue) : 0;
}

static void emit(struct log *l, int priority, const char *text)
{
    if (l->queue != NULL)
        log_queue_put(l->queue, l->to_syslog, priority, text);
    else
        write_line(l->to_syslog, priority, text);
}

static bool within_limit(struct log *l, int priority)
{
    if (priority > LOG_WARNING)
        return true;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (ms - l->window_start_ms >= LOG_WINDOW_MS) {
        l->window_start_ms = ms;
        l->in_window = 0;
        if (l->suppressed > 0) {
            char text[64];
            snprintf(text, sizeof text, "%u similar lines were left out", l->suppressed);
            l->suppressed = 0;
            emit(l, LOG_WARNING, text);
        }
    }
    if (l->in_window >= LOG_BURST) {
        l->suppressed++;
        return false;
    }
    l->in_window++;
    return true;
}

void log_line(struct log *l, int priority, const char *fmt, ...)
{
    if (priority > l->threshold || !within_limit(l, priority))
        return;
    char text[LOG_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    /* The text may quote the service: a line feed or an escape sequence in it must not get out. */
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    emit(l, priority, text);
}
