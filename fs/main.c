#define FUSE_USE_VERSION 314
#include <curl/curl.h>
#include <fuse_log.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/mount/background.h"
#include "bigdatafs/mount/mount.h"
#include "bigdatafs/mount/options.h"

/* libfuse's own words, as ours. */
PRINTF_LIKE(2, 0)
static void on_fuse_log(enum fuse_log_level level, const char *fmt, va_list args)
{
    char text[512];
    if (level > FUSE_LOG_WARNING)
        return;
    vsnprintf(text, sizeof text, fmt, args);
    fprintf(stderr, "bigdatafs: %s%s", text, strchr(text, '\n') == NULL ? "\n" : "");
}

/* The API key is in this process's memory, or in its environment: it must not end up in a core
 * file. */
static void forbid_core_files(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak check attaches to the process */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char **argv)
{
    struct options options;
    struct log log;
    char error[512];
    int ready_fd = -1, status = 0;
    forbid_core_files();
    fuse_set_log_func(on_fuse_log);
    if (options_parse(argc, argv, &options, error, sizeof error) < 0) {
        fprintf(stderr, "bigdatafs: %s\n", error);
        return 2;
    }
    if (options.help) {
        options_usage(stdout);
    } else if (options.version) {
        printf("bigdatafs %s\n", BIGDATAFS_VERSION);
    } else {
        int parent = options.foreground ? 0 : background_start(&ready_fd, &status);
        if (parent < 0) {
            fprintf(stderr, "bigdatafs: cannot go to the background: %s: try -f\n",
                    strerror(-parent));
            status = 1;
        } else if (parent == 0) {
            log_init(&log, options.debug ? LOG_DEBUG : LOG_INFO);
            curl_global_init(CURL_GLOBAL_DEFAULT);
            status = mount_run(&options, &log, ready_fd);
            curl_global_cleanup();
        }
    }
    options_free(&options);
    return status;
}
