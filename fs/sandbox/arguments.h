/* arguments: the command line of bigdatafs-sandbox. */
#ifndef BIGDATAFS_SANDBOX_ARGUMENTS_H
#define BIGDATAFS_SANDBOX_ARGUMENTS_H

#include <stdint.h>

#include "compiler.h"
#include "listen.h"

enum { OPTIONS_RATE_MAX = 1000000 };

enum options_action { OPTIONS_SERVE, OPTIONS_HELP, OPTIONS_VERSION };

struct options {
    enum options_action action;
    struct endpoint endpoint;
    const char *db; /* NULL is in memory; all strings are borrowed from argv */
    const char *api_key_file;
    const char *access_log;
    int64_t seed;
    int64_t delete_rate; /* files per second */
    int64_t latency;     /* milliseconds */
    int lifeline;        /* -1 is none */
};

/* -EINVAL after one sentence on stderr. */
int options_parse(int argc, char **argv, struct options *out) MUST_CHECK;

void options_help(void);

#endif
