#include "about_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/inode/command.h"
#include "bigdatafs/inode/id.h"
#include "life.h"

static int node_of_report(struct nodes *n, uint32_t file, struct node **out)
{
    struct buf text;
    buf_init(&text, NODE_REPORT_MAX);
    struct report *report = calloc(1, sizeof *report);
    int err = report == NULL ? -ENOMEM : n->reports.render(n->reports.arg, file, &text);
    struct node *node = err == 0 ? node_new(n, NODE_REPORT, NULL) : NULL;
    if (node == NULL) {
        buf_free(&text);
        free(report);
        return err < 0 ? err : -ENOMEM;
    }
    report->text = buf_steal(&text, &report->len);
    node->report = report;
    node->entry = file;
    node->ino = FIRST_REPORT_INO + file;
    *out = node;
    return 0;
}

const char *node_bulk_name(uint32_t op)
{
    return op == REQUEST_ARCHIVE ? NODE_BULK_ARCHIVE_NAME : NODE_BULK_FORCE_DELETE_NAME;
}

static int node_of_bulk(struct nodes *n, uint32_t op, struct node **out)
{
    struct command_lines *lines = calloc(1, sizeof *lines);
    struct node *node = lines != NULL ? node_new(n, NODE_BULK, NULL) : NULL;
    if (node == NULL) {
        free(lines);
        return -ENOMEM;
    }
    node->lines = lines;
    node->entry = op;
    node->ino = FIRST_BULK_INO + op;
    *out = node;
    return 0;
}

void nodes_bulk_written(struct nodes *n, struct node *node, const struct command_lines *lines)
{
    *node->lines = *lines;
    /* Without its name the kernel forgets the node as soon as it is closed. */
    if (command_is_unfinished(lines))
        notify_name(n->notify, nodes_id(n, &n->about_dir), node_bulk_name(node->entry));
}

int lookup_about(struct nodes *n, const char *name, struct node **out)
{
    if (strcmp(name, NODE_REFRESH_NAME) == 0) {
        *out = &n->refresh;
        return 0;
    }
    for (uint32_t op = 0; op < BULK_FILES; op++)
        if (strcmp(name, node_bulk_name(op)) == 0)
            return node_of_bulk(n, op, out);
    for (uint32_t i = 0; i < n->reports.count; i++)
        if (strcmp(name, n->reports.name(i)) == 0)
            return node_of_report(n, i, out);
    return -ENOENT;
}
