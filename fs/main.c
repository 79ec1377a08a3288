#include <curl/curl.h>
#include <stdio.h>
#include <syslog.h>

#include "bigdatafs/background.h"
#include "bigdatafs/log.h"
#include "bigdatafs/mount.h"
#include "bigdatafs/options.h"

int main(int argc, char **argv)
{
    struct options options;
    struct log log;
    char error[512];
    int ready_fd = -1, status = 0;
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
            fprintf(stderr, "bigdatafs: cannot go to the background\n");
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
