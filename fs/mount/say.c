#include "say.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bigdatafs/base/sentence.h"

/* Whether a write to stderr would not block. */
static bool is_taken(int max_ms)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&fd, 1, max_ms) > 0;
}

void say(const char *what, const char *why)
{
    if (is_taken(SAY_MS))
        fprintf(stderr, "bigdatafs: %s%s%s\n", what, why[0] != '\0' ? ": " : "", why);
}

void say_for_fuse(enum fuse_log_level level, const char *fmt, va_list args)
{
    char text[SENTENCE_MAX];
    if (level > FUSE_LOG_WARNING || !is_taken(0))
        return;
    vsnprintf(text, sizeof text, fmt, args);
    fprintf(stderr, "bigdatafs: %s%s", text, strchr(text, '\n') == NULL ? "\n" : "");
}
