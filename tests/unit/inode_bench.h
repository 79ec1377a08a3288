/* Nodes of a catalogue, with a kernel that the test plays. Each test program is one file. */
#ifndef BIGDATAFS_TESTS_INODE_BENCH_H
#define BIGDATAFS_TESTS_INODE_BENCH_H

#include <stdlib.h>

#include "bigdatafs/inode/attr.h"
#include "bigdatafs/inode/forget.h"
#include "bigdatafs/inode/id.h"
#include "bigdatafs/inode/list.h"
#include "bigdatafs/inode/lookup.h"
#include "bigdatafs/inode/nodes.h"
#include "check.h"
#include "fakes/fake_api.h"
#include "fakes/fake_loop.h"
#include "fakes/fake_notify.h"
#include "life.h"
#include "objects.h"

enum { TTL_MS = 40000 };

struct bench {
    struct loop *loop;
    struct api *api;
    struct log log;
    struct journal *journal;
    struct catalogue *catalogue;
    struct notify *notify;
    struct nodes *nodes;
};

/* A connector with files and directories: connector.json, archived, connector_id, label, and
 * config with email and oauth with scope. */
static inline const char *rich(unsigned n, bool archived, const char *label)
{
    static char json[512];
    snprintf(json, sizeof json,
             "{\"connector_id\":\"%s\",\"archived\":%s,\"label\":\"%s\","
             "\"updated_at\":\"2026-02-11T11:01:09Z\","
             "\"config\":{\"email\":\"x@y\",\"oauth\":{\"scope\":\"all\"}}}",
             id_of(n), archived ? "true" : "false", label);
    return json;
}

static inline void set_up(struct bench *b)
{
    *b = (struct bench){0};
    log_init(&b->log, LOG_CRIT);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(api_new(b->loop, NULL, FAKE_TIMEOUT_S, &b->api), 0);
    CHECK_INT(journal_new(&b->journal), 0);
    struct catalogue_parts parts = {
        .loop = b->loop, .log = &b->log, .api = b->api, .journal = b->journal};
    struct catalogue_options options = {.ttl_s = TTL_MS / 1000, .stale_s = 60};
    CHECK_INT(catalogue_new(&parts, &options, &b->catalogue), 0);
    CHECK_INT(notify_new(b->loop, &b->log, &b->notify), 0);
    struct nodes_parts nodes_parts = {.loop = b->loop,
                                      .log = &b->log,
                                      .catalogue = b->catalogue,
                                      .notify = b->notify,
                                      .journal = b->journal};
    struct node_options node_options = {.uid = 7, .gid = 8, .umask = 022};
    CHECK_INT(nodes_new(&nodes_parts, &node_options, &b->nodes), 0);
}

/* Nodes in use, below POOL_SLAB. */
static inline unsigned alive(const struct bench *b)
{
    return (unsigned)((POOL_SLAB - b->nodes->pool.unused_count % POOL_SLAB) % POOL_SLAB);
}

static inline void tear_down(struct bench *b)
{
    notify_free(b->notify);
    nodes_free(b->nodes);
    catalogue_free(b->catalogue);
    CHECK_INT(fake_loop_timers(b->loop), 0);
    journal_free(b->journal);
    api_free(b->api);
    loop_free(b->loop);
}

static inline struct connector *connector(const struct bench *b, unsigned n)
{
    return connectors_find(catalogue_connectors(b->catalogue), id_of(n));
}

static inline void learn(struct bench *b, const char *json)
{
    struct snapshot *snapshot;
    CHECK_INT(snapshot_parse(json, strlen(json), &snapshot), 0);
    CHECK_INT(catalogue_learn(b->catalogue, snapshot, NULL), 0);
    snapshot_unref(snapshot);
}

/* A list of the connectors 0 to count - 1, all active and with the label. */
static inline void load(struct bench *b, unsigned count, const char *label)
{
    catalogue_refresh(b->catalogue, NULL);
    struct api_op *list = fake_api_find(b->api, FAKE_LIST, NULL);
    if (!CHECK(list != NULL))
        return;
    fake_api_list_begin(list);
    for (unsigned n = 0; n < count; n++)
        CHECK_INT(fake_api_list_element(list, rich(n, false, label)), 0);
    fake_api_list_end(list);
    fake_loop_settle(b->loop);
}

static inline struct node *root(struct bench *b)
{
    return nodes_from_id(b->nodes, NOTIFY_ROOT_ID);
}

/* One lookup; the test is over without it. */
static inline struct node *look(struct bench *b, struct node *dir, const char *name)
{
    struct node *node = NULL;
    if (!CHECK_INT(nodes_lookup(b->nodes, dir, name, &node), 0)) {
        fprintf(stderr, "    there is no %s\n", name);
        exit(check_report());
    }
    return node;
}

static inline int look_fails(struct bench *b, struct node *dir, const char *name)
{
    struct node *node = NULL;
    int err = nodes_lookup(b->nodes, dir, name, &node);
    if (err == 0)
        nodes_forget(b->nodes, node, 1);
    return err;
}

static inline void forget(struct bench *b, struct node *node)
{
    nodes_forget(b->nodes, node, 1);
}

static inline uint64_t id(const struct bench *b, const struct node *node)
{
    return nodes_id(b->nodes, node);
}

static inline bool reads_as(const struct node *node, const char *text)
{
    const char *data = NULL;
    size_t size = 0;
    return nodes_content(node, &data, &size) == 0 && size == strlen(text) &&
           memcmp(data, text, size) == 0;
}

static inline struct stat attr(struct bench *b, const struct node *node)
{
    struct stat st;
    nodes_attr(b->nodes, node, &st);
    return st;
}

/* Begins with connectors 0 to count - 1, and a kernel that knows both listings and was told nothing
 * since. */
static inline void set_up_with(struct bench *b, unsigned count)
{
    set_up(b);
    load(b, count, "one");
    attr(b, root(b));
    attr(b, &b->nodes->archived);
    fake_notify_clear(b->notify);
}

#endif
