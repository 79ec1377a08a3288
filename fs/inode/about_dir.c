#include "about_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/inode/id.h"
#include "bigdatafs/service/journal.h"
#include "life.h"

enum {
    FIRST_CONTROL_INO = REFRESH_INO,
    FIRST_REPORT_INO = 16,
};

/* A row makes a control file; what a write to it asks for is its kind's node_command. */
static const struct control {
    const char *name;
    enum node_kind kind;
    enum request_op op; /* NODE_BULK */
} controls[] = {
    {.name = "refresh", .kind = NODE_REFRESH},
    {.name = "archive", .kind = NODE_BULK, .op = REQUEST_ARCHIVE},
    {.name = "force_delete", .kind = NODE_BULK, .op = REQUEST_FORCE_DELETE},
};
enum { CONTROLS = sizeof controls / sizeof controls[0] };
_Static_assert(FIRST_CONTROL_INO + CONTROLS <= FIRST_REPORT_INO, "inode numbers do not meet");

uint32_t about_dir_count(const struct nodes *n)
{
    return CONTROLS + n->reports.count;
}

struct about_file about_dir_file(struct nodes *n, uint32_t number)
{
    if (number >= CONTROLS) {
        uint32_t report = number - CONTROLS;
        return (struct about_file){.name = n->reports.name(report),
                                   .ino = FIRST_REPORT_INO + report};
    }
    const struct control *control = &controls[number];
    return (struct about_file){.name = control->name,
                               .ino = FIRST_CONTROL_INO + number,
                               .node = control->kind == NODE_REFRESH ? &n->refresh : NULL};
}

static int new_report(struct nodes *n, uint32_t report_number, struct node **out)
{
    struct buf text;
    buf_init(&text, NODE_REPORT_MAX);
    struct report *report = calloc(1, sizeof *report);
    int err = report == NULL ? -ENOMEM : n->reports.render(n->reports.arg, report_number, &text);
    struct node *node = err == 0 ? node_new(n, NODE_REPORT, NULL) : NULL;
    if (node == NULL) {
        buf_free(&text);
        free(report);
        return err < 0 ? err : -ENOMEM;
    }
    report->text = buf_steal(&text, &report->len);
    node->report = report;
    *out = node;
    return 0;
}

static int new_bulk(struct nodes *n, const struct control *control, struct node **out)
{
    struct bulk_file *bulk = calloc(1, sizeof *bulk);
    struct node *node = bulk != NULL ? node_new(n, NODE_BULK, NULL) : NULL;
    if (node == NULL) {
        free(bulk);
        return -ENOMEM;
    }
    bulk->name = control->name;
    bulk->op = control->op;
    node->bulk = bulk;
    *out = node;
    return 0;
}

int about_dir_find(struct nodes *n, const char *name, struct node **out)
{
    uint32_t number = 0, count = about_dir_count(n);
    while (number < count && strcmp(name, about_dir_file(n, number).name) != 0)
        number++;
    if (number == count)
        return -ENOENT;
    struct about_file file = about_dir_file(n, number);
    if (file.node != NULL) {
        *out = file.node;
        return 0;
    }
    int err = number < CONTROLS ? new_bulk(n, &controls[number], out)
                                : new_report(n, number - CONTROLS, out);
    if (err == 0)
        (*out)->ino = file.ino;
    return err;
}

const struct bulk_file *nodes_bulk(const struct node *node)
{
    return node->bulk;
}

void nodes_on_bulk_closed(struct nodes *n, const struct bulk_closed *closed)
{
    n->bulk_closed = *closed;
}

void nodes_bulk_written(struct nodes *n, struct node *node, const struct command_lines *lines,
                        const struct requester *who)
{
    node->bulk->lines = *lines;
    node->bulk->who = *who;
    /* Without its name the kernel forgets the node as soon as it is closed. */
    if (command_is_unfinished(lines))
        notify_name(n->notify, nodes_id(n, &n->about_dir), node->bulk->name);
}

void nodes_bulk_give_up(struct node *node)
{
    command_give_up(&node->bulk->lines);
}

void nodes_bulk_note_unfinished(const struct nodes *n, const struct node *node,
                                const struct command_lines *lines)
{
    const struct bulk_file *bulk = node->bulk;
    char id[UUID_LEN + 1] = "";
    struct journal_note note = {.operation = request_op_name(bulk->op),
                                .id = id,
                                .err = -EINVAL,
                                .reason =
                                    "the last line is no connector id: nothing was sent for it",
                                .hint = "write ids alone, one a line, with a newline after each"};
    if (!command_is_unfinished(lines))
        return;
    if (command_lacks_newline(lines)) {
        memcpy(id, lines->line, UUID_LEN);
        note.reason = "the last line has no newline: nothing was sent for it";
    }
    journal_add(n->journal, &note);
    log_warning(n->log, NODE_ABOUT_NAME "/%s: %s", bulk->name, note.reason);
}

/* The file is closed. */
static void end_bulk(const struct nodes *n, struct node *node)
{
    const struct bulk_file *bulk = node->bulk;
    if (command_lacks_newline(&bulk->lines) && n->bulk_closed.done != NULL) {
        uuid_text id = "";
        memcpy(id, bulk->lines.line, UUID_LEN);
        n->bulk_closed.done(n->bulk_closed.arg, bulk, id);
    } else {
        nodes_bulk_note_unfinished(n, node, &bulk->lines);
    }
    free(node->bulk);
}

void about_dir_end(const struct nodes *n, struct node *node)
{
    if (node->kind == NODE_REPORT) {
        free(node->report->text);
        free(node->report);
    } else if (node->kind == NODE_BULK) {
        end_bulk(n, node);
    }
}
