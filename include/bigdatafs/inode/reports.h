/* reports: what a higher folder tells through the files of .bigdatafs, and what it is told of them.
 */
#ifndef BIGDATAFS_INODE_REPORTS_H
#define BIGDATAFS_INODE_REPORTS_H

#include <stdint.h>

enum { NODE_REPORT_MAX = 64 << 20 }; /* bytes of one report */

struct buf;

/* The read-only files of .bigdatafs, each rendered anew when it is looked up. name is called with 0
 * to count - 1; render appends what there is to say, or returns a negative errno. */
struct node_reports {
    uint32_t count;
    const char *(*name)(uint32_t file);
    int (*render)(void *arg, uint32_t file, struct buf *to);
    void *arg;
};

struct bulk_file;

/* Told of a file that was closed behind a last line that is a whole id and lacks its newline alone:
 * now it is known that no longer line was meant. Until one is set, and once the nodes are being
 * freed, the journal is told instead that nothing was sent for it. */
struct bulk_closed {
    void (*done)(void *arg, const struct bulk_file *file, const char *id);
    void *arg;
};

#endif
