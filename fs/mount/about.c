#include "about.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bigdatafs/base/sentence.h"
#include "bigdatafs/inode/nodes.h"
#include "bigdatafs/service/failure.h"

static const char *list_state(const struct catalogue_state *s)
{
    if (!s->loaded)
        return "none: it was never fetched";
    if (s->failing)
        return "stale: the last refresh failed, the last good list is served";
    return s->refreshing ? "being refreshed" : "good";
}

static int render_service(const struct about *a, struct buf *to)
{
    const struct service_stats *c = service_stats(a->service);
    const struct catalogue_state s = catalogue_state(a->catalogue);
    uint64_t now = loop_now(a->loop);
    char why[SENTENCE_MAX];
    int err = buf_printf(to, "service: %s\n",
                         c->circuit_open ? "does not answer: operations fail at once" : "in use");
    if (err == 0 && c->paced_until_ms > now)
        err = buf_printf(to, "held back by 429 for: %" PRIu64 " s\n",
                         (c->paced_until_ms - now + 999) / 1000);
    if (err < 0 || !s.failing)
        return err;
    api_describe(&s.failure, why, sizeof why);
    return buf_printf(to, "last failure: %s\nhint: %s\n", why,
                      failure_hint(s.failure.failure, s.failure.status));
}

static int render_log(const struct about *a, struct buf *to)
{
    uint64_t lost = log_lost(a->log);
    if (lost == 0)
        return 0;
    return buf_printf(to, "log: %" PRIu64 " lines were lost, nobody took them in time\n", lost);
}

static int render_deletions(const struct about *a, struct buf *to)
{
    int err = buf_printf(to,
                         "deletions under way: %u\nhard deletes running: %u\n"
                         "guard: %u (%u single deletions in this go)\ndelete: %s\n",
                         deletions_under_way(a->deletions), deletions_jobs(a->deletions), a->guard,
                         deletions_in_go(a->deletions), deletion_kinds_word(a->kinds));
    int state = audit_state(a->audit);
    if (err == 0)
        err = buf_printf(to, "audit log: %s%s%s%s\n", audit_path(a->audit), state < 0 ? ": " : "",
                         state < 0 ? strerror(-state) : "",
                         audit_is_torn(a->audit) ? "; a line in it was torn" : "");
    return err;
}

static int render_status(const struct about *a, struct buf *to)
{
    const struct connectors *connectors = catalogue_connectors(a->catalogue);
    const struct catalogue_state s = catalogue_state(a->catalogue);
    int err = buf_printf(to,
                         "version: " BIGDATAFS_VERSION "\nsource: %s\nmounted on: %s\n"
                         "connectors: %zu\narchived: %zu\nleft out: %u\n"
                         "list: %s\nlist age: %" PRIu64 " s\n",
                         a->source, a->mountpoint, connectors_count_in(connectors, PLACE_ACTIVE),
                         connectors_count_in(connectors, PLACE_ARCHIVED), s.left_out,
                         list_state(&s), s.loaded ? s.age_ms / 1000 : 0);
    if (err == 0)
        err = render_service(a, to);
    if (err == 0)
        err = render_deletions(a, to);
    return err < 0 ? err : render_log(a, to);
}

/* One sample with its head, as Prometheus reads it. */
static int metric(struct buf *to, const char *name, const char *type, const char *help,
                  uint64_t value)
{
    return buf_printf(to,
                      "# HELP bigdatafs_%s %s\n# TYPE bigdatafs_%s %s\nbigdatafs_%s %" PRIu64 "\n",
                      name, help, name, type, name, value);
}

static int render_metrics(const struct about *a, struct buf *to)
{
    const struct connectors *connectors = catalogue_connectors(a->catalogue);
    const struct service_stats *c = service_stats(a->service);
    const struct catalogue_state s = catalogue_state(a->catalogue);
    const struct deletion_stats *d = deletions_stats(a->deletions);
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } samples[] = {
        {"connectors_active", "gauge", "Connectors that are not archived.",
         connectors_count_in(connectors, PLACE_ACTIVE)},
        {"connectors_archived", "gauge", "Connectors that are archived.",
         connectors_count_in(connectors, PLACE_ARCHIVED)},
        {"connectors_left_out", "gauge", "Connectors of the list that are shown nowhere.",
         s.left_out},
        {"list_age_seconds", "gauge", "Age of the list that is served, 0 without one.",
         s.loaded ? s.age_ms / 1000 : 0},
        {"list_refreshes_total", "counter", "Lists that were taken.", s.refreshes},
        {"list_failures_total", "counter", "Refreshes that failed.", s.failures},
        {"http_requests_total", "counter", "Requests, resent ones too.", c->requests},
        {"http_resends_total", "counter", "Requests that were resent.", c->resends},
        {"http_failures_total", "counter", "Requests without an answer, or with 429 or 5xx.",
         c->failed},
        {"http_under_way", "gauge", "Operations that wait for the service.", c->under_way},
        {"circuit_open", "gauge", "1 while the service does not answer.", c->circuit_open},
        {"archives_total", "counter", "Archives that the service confirmed.", d->archived},
        {"hard_deletes_total", "counter", "Hard deletes that the service accepted.", d->accepted},
        {"deletions_failed_total", "counter", "Deletions that failed.", d->failed},
        {"deletions_refused_total", "counter", "Deletions that were refused here.", d->refused},
        {"hard_deletes_running", "gauge", "Hard deletes that are followed.",
         deletions_jobs(a->deletions)},
        {"fuse_requests_total", "counter", "Requests of the kernel that wanted an answer.",
         session_count(a->session)},
        {"tree_bytes", "gauge", "Memory in which files are held ready to be read.",
         nodes_tree_bytes(a->nodes)},
        {"trees_made_total", "counter", "Connectors whose files were made ready, again too.",
         nodes_trees_made(a->nodes)},
        {"notifications_waiting", "gauge", "What the kernel is still to be told of changes.",
         notify_waiting(a->notify)},
        {"loop_turn_max_microseconds", "gauge", "The longest turn of the event loop so far.",
         loop_longest_turn_us(a->loop)},
        {"errors_total", "counter", "Failures that .bigdatafs/errors has seen.",
         journal_count(a->journal)},
    };
    int err = 0;
    for (size_t i = 0; err == 0 && i < sizeof samples / sizeof samples[0]; i++)
        err = metric(to, samples[i].name, samples[i].type, samples[i].help, samples[i].value);
    return err;
}

static int render_errors(const struct about *a, struct buf *to)
{
    return journal_render(a->journal, to);
}

static int render_jobs(const struct about *a, struct buf *to)
{
    int err = bulks_render(a->bulks, to);
    return err < 0 ? err : deletions_render(a->deletions, to);
}

static const struct {
    const char *name;
    int (*render)(const struct about *a, struct buf *to);
} files[] = {
    {"status", render_status},
    {"errors", render_errors},
    {"jobs", render_jobs},
    {"metrics", render_metrics},
};

static const char *name_of(uint32_t file)
{
    return files[file].name;
}

static int render(void *arg, uint32_t file, struct buf *to)
{
    return files[file].render(arg, to);
}

struct node_reports about_reports(struct about *about)
{
    return (struct node_reports){
        .count = sizeof files / sizeof files[0], .name = name_of, .render = render, .arg = about};
}
