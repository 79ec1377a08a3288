/* A list that is taken while other things happen. */
#include "refresh.h"

#include "bigdatafs/catalogue/connectors.h"
#include "check.h"
#include "fakes/fake_api.h"
#include "fakes/fake_loop.h"

#define ID_A "019a9612-bfad-758c-884e-000000000001"
#define ID_B "019a9612-bfad-758c-884e-000000000002"
#define OBJECT(id) "{\"connector_id\":\"" id "\",\"archived\":false}"

struct bench {
    struct loop *loop;
    struct api *api;
    struct log log;
    struct connectors *connectors;
    struct refresh *refresh;
    unsigned done;
    int err;
};

static void on_set(void *arg, struct connector *connector, struct snapshot *snapshot)
{
    struct bench *b = arg;
    connectors_set(b->connectors, connector, snapshot);
}

static void on_done(void *arg, const struct api_result *result, unsigned left_out)
{
    struct bench *b = arg;
    (void)left_out;
    b->done++;
    b->err = result->err;
}

static void set_up(struct bench *b)
{
    struct refresh_host host = {.set = on_set, .done = on_done, .arg = b};
    *b = (struct bench){0};
    log_init(&b->log, LOG_ERR);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(api_new(b->loop, NULL, FAKE_TIMEOUT_S, &b->api), 0);
    CHECK_INT(connectors_new(&b->connectors), 0);
    CHECK_INT(refresh_new(b->loop, b->api, &b->log, b->connectors, &host, &b->refresh), 0);
}

static void tear_down(struct bench *b)
{
    refresh_free(b->refresh);
    connectors_free(b->connectors);
    api_free(b->api);
    loop_free(b->loop);
}

static void test_nothing_is_applied_before_the_end(void)
{
    struct bench b;
    set_up(&b);
    CHECK_INT(refresh_start(b.refresh, 0), 0);
    struct api_op *list = fake_api_find(b.api, FAKE_LIST, NULL);
    CHECK(list != NULL);
    fake_api_list_begin(list);
    CHECK_INT(fake_api_list_element(list, OBJECT(ID_A)), 0);
    CHECK_INT(fake_api_list_element(list, OBJECT(ID_B)), 0);
    fake_loop_settle(b.loop);
    CHECK_INT(connectors_count(b.connectors), 0);
    fake_api_list_end(list);
    fake_loop_settle(b.loop);
    CHECK_INT(connectors_count_in(b.connectors, PLACE_ACTIVE), 2);
    CHECK_INT(b.done, 1);
    CHECK_INT(b.err, 0);
    tear_down(&b);
}

int main(void)
{
    test_nothing_is_applied_before_the_end();
    return check_report();
}
