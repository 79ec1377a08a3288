#include "forget.h"

#include <errno.h>
#include <stdlib.h>

#include "about_dir.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/inode/command.h"
#include "bigdatafs/service/journal.h"
#include "departing.h"
#include "life.h"

/* Nobody can go on with what was written: it is closed. */
static void report_unfinished(const struct nodes *n, const struct node *node)
{
    static const char reason[] = "the last line is no connector id: nothing was sent for it";
    struct journal_note note = {
        .operation = request_op_name(node->entry), .id = "", .err = -EINVAL, .reason = reason};
    journal_add(n->journal, &note);
    log_warning(n->log, NODE_ABOUT_NAME "/%s: %s", node_bulk_name(node->entry), reason);
}

/* Lets go of what the node has. */
void node_end(void *arg, struct node *node)
{
    const struct nodes *n = arg;
    view_unref(node->view);
    if (node->connector != NULL)
        node->connector->pins--;
    if (node->kind == NODE_REPORT) {
        free(node->report->text);
        free(node->report);
    } else if (node->kind == NODE_BULK) {
        if (command_is_unfinished(node->lines))
            report_unfinished(n, node);
        free(node->lines);
    }
}

static void node_free(struct nodes *n, struct node *node)
{
    node_end(n, node);
    pool_put(&n->pool, node);
}

void nodes_forget(struct nodes *n, struct node *node, uint64_t lookups)
{
    if (node->kind == NODE_ROOT || node->kind == NODE_ARCHIVED || node->kind == NODE_ABOUT ||
        node->kind == NODE_REFRESH)
        return;
    node->lookups = lookups < node->lookups ? node->lookups - lookups : 0;
    if (node->lookups > 0)
        return;
    node_detach(node);
    forget_departing(n, node);
    node_free(n, node);
}
