#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>

#include "bigdatafs/base/log.h"
#include "bigdatafs/base/sentence.h"
#include "bigdatafs/mount/background.h"
#include "bigdatafs/mount/command_line.h"
#include "bigdatafs/mount/mount.h"

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
    char error[SENTENCE_MAX];
    int ready_fd = -1, status = 0;
    forbid_core_files();
    mount_init();
    if (command_line_parse(argc, argv, &options, error, sizeof error) < 0) {
        fprintf(stderr, "bigdatafs: %s\n", error);
        return 2;
    }
    if (options.help) {
        command_line_usage(stdout);
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
            status = mount_run(&options, &log, ready_fd);
        }
    }
    options_free(&options);
    return status;
}
