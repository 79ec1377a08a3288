/* Ids that are asked for by themselves. */
#include "ask.h"

#include <errno.h>
#include <string.h>

#include "check.h"
#include "fakes/fake_api.h"
#include "fakes/fake_loop.h"
#include "objects.h"

enum { TTL_MS = 30000, WAITERS = 4 };

struct bench;

struct asker {
    struct bench *bench;
    struct catalogue_waiter waiter;
    unsigned told, turn; /* how often, and as which of all that were told */
    int err;
};

struct bench {
    struct loop *loop;
    struct api *api;
    struct log log;
    struct journal *journal;
    struct asks *asks;
    struct asker askers[WAITERS];
    unsigned learned, absent, told;
    uint64_t changes, changed; /* the count of changes, and that of the one connector's last one */
    int learn_err;
    bool asks_while_learning;
    void (*on_told)(struct bench *b);
};

static void on_told(void *arg, int err)
{
    struct asker *asker = arg;
    struct bench *b = asker->bench;
    asker->told++;
    asker->err = err;
    asker->turn = ++b->told;
    if (b->on_told != NULL)
        b->on_told(b);
}

static uint64_t on_changes(void *arg)
{
    const struct bench *b = arg;
    return b->changes;
}

static bool on_changed_since(void *arg, const char *id, uint64_t changes)
{
    const struct bench *b = arg;
    return strcmp(id, id_of(1)) == 0 && b->changed > changes;
}

static int on_learn(void *arg, struct snapshot *snapshot)
{
    struct bench *b = arg;
    b->learned++;
    if (b->asks_while_learning)
        CHECK_INT(asks_start(b->asks, snapshot->id, &b->askers[3].waiter), 0);
    return b->learn_err;
}

static void on_absent(void *arg, const char *id)
{
    struct bench *b = arg;
    CHECK(asks_knows_absent(b->asks, id));
    b->absent++;
}

static void set_up(struct bench *b)
{
    *b = (struct bench){0};
    log_init(&b->log, LOG_ERR);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(api_new(b->loop, NULL, FAKE_TIMEOUT_S, &b->api), 0);
    CHECK_INT(journal_new(&b->journal), 0);
    struct asks_parts parts = {
        .loop = b->loop, .api = b->api, .log = &b->log, .journal = b->journal, .ttl_ms = TTL_MS};
    struct asks_host host = {.changes = on_changes,
                             .changed_since = on_changed_since,
                             .learn = on_learn,
                             .absent = on_absent,
                             .arg = b};
    CHECK_INT(asks_new(&parts, &host, &b->asks), 0);
    for (unsigned i = 0; i < WAITERS; i++) {
        b->askers[i].bench = b;
        b->askers[i].waiter = (struct catalogue_waiter){.done = on_told, .arg = &b->askers[i]};
    }
}

static void tear_down(struct bench *b)
{
    asks_free(b->asks);
    CHECK_INT(fake_api_waiting(b->api), 0);
    journal_free(b->journal);
    api_free(b->api);
    loop_free(b->loop);
}

/* Who asks for an id. */
static int ask(struct bench *b, unsigned asker, unsigned n)
{
    return asks_start(b->asks, id_of(n), &b->askers[asker].waiter);
}

static struct api_op *get_of(const struct bench *b, unsigned n)
{
    return fake_api_find(b->api, FAKE_GET, id_of(n));
}

static void test_askers_share_a_get(void)
{
    struct bench b;
    set_up(&b);
    CHECK_INT(ask(&b, 0, 1), 0);
    CHECK_INT(ask(&b, 1, 1), 0);
    CHECK_INT(ask(&b, 2, 2), 0);
    CHECK_INT(asks_start(b.asks, id_of(1), NULL), 0);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 2);
    fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
    CHECK_INT(b.learned, 1);
    CHECK_INT(b.askers[0].turn, 1);
    CHECK_INT(b.askers[1].turn, 2);
    CHECK_INT(b.askers[2].told, 0);
    CHECK_INT(b.askers[0].err, 0);
    CHECK_INT(ask(&b, 0, 1), 0); /* an answer is no answer to who asks after it */
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 3);
    waiters_remove(&b.askers[0].waiter);
    waiters_remove(&b.askers[2].waiter);
    tear_down(&b);
}

static void test_absence_is_remembered_for_ttl(void)
{
    struct bench b;
    set_up(&b);
    CHECK(!asks_knows_absent(b.asks, id_of(1)));
    CHECK_INT(ask(&b, 0, 1), 0);
    fake_api_answer_status(get_of(&b, 1), 404);
    CHECK_INT(b.askers[0].told, 1);
    CHECK_INT(b.askers[0].err, 0);
    CHECK_INT(b.absent, 1);
    CHECK_INT(journal_count(b.journal), 0);
    fake_loop_advance(b.loop, TTL_MS - 1);
    CHECK(asks_knows_absent(b.asks, id_of(1)));
    CHECK(!asks_knows_absent(b.asks, id_of(2)));
    fake_loop_advance(b.loop, 1);
    CHECK(!asks_knows_absent(b.asks, id_of(1)));
    asks_remember_absent(b.asks, id_of(1));
    asks_remember_absent(b.asks, id_of(1)); /* twice: one forgetting is enough */
    asks_forget_absent(b.asks, id_of(1));
    CHECK(!asks_knows_absent(b.asks, id_of(1)));
    tear_down(&b);
}

static void test_the_oldest_absence_goes_first(void)
{
    struct bench b;
    set_up(&b);
    for (unsigned n = 0; n <= ASKS_ABSENT_MAX; n++)
        asks_remember_absent(b.asks, id_of(n));
    CHECK(!asks_knows_absent(b.asks, id_of(0)));
    CHECK(asks_knows_absent(b.asks, id_of(1)));
    CHECK(asks_knows_absent(b.asks, id_of(ASKS_ABSENT_MAX)));
    tear_down(&b);
}

/* The service takes the id in capitals, and answers with the connector's own spelling. */
static void test_another_spelling_is_absent(void)
{
    static const char capitals[] = "019A9612-BFAD-758C-884E-000000000001";
    struct bench b;
    set_up(&b);
    CHECK_INT(asks_start(b.asks, capitals, &b.askers[0].waiter), 0);
    fake_api_answer_object(fake_api_find(b.api, FAKE_GET, capitals), object(1, false, 0));
    CHECK_INT(b.learned, 0);
    CHECK_INT(b.absent, 1);
    CHECK_INT(b.askers[0].told, 1);
    CHECK(asks_knows_absent(b.asks, capitals));
    CHECK(!asks_knows_absent(b.asks, id_of(1)));
    tear_down(&b);
}

/* Asked, then archived or deleted by a DELETE: the answer is older than that. */
static void test_an_answer_that_a_change_overtook(void)
{
    for (unsigned absent = 0; absent < 2; absent++) {
        struct bench b;
        set_up(&b);
        b.changes = b.changed = 7; /* before it is asked for: that is no reason */
        CHECK_INT(ask(&b, 0, 1), 0);
        CHECK_INT(ask(&b, 1, 2), 0);
        b.changed = ++b.changes;
        if (absent)
            fake_api_answer_status(get_of(&b, 1), 404);
        else
            fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
        CHECK_INT(b.learned + b.absent, 0);
        CHECK(!asks_knows_absent(b.asks, id_of(1)));
        CHECK_INT(b.askers[0].told, 1);
        CHECK_INT(b.askers[0].err, 0);
        fake_api_answer_object(get_of(&b, 2), object(2, false, 0)); /* another one */
        CHECK_INT(b.learned, 1);
        CHECK_INT(ask(&b, 0, 1), 0);
        fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
        CHECK_INT(b.learned, 2);
        tear_down(&b);
    }
}

static void test_failures_reach_the_askers(void)
{
    struct bench b;
    set_up(&b);
    CHECK_INT(ask(&b, 0, 1), 0);
    fake_api_answer_failure(get_of(&b, 1), FAILURE_TIMEOUT, false);
    CHECK_INT(b.askers[0].err, failure_errno(FAILURE_TIMEOUT, 0));
    CHECK(!asks_knows_absent(b.asks, id_of(1)));
    CHECK_INT(journal_count(b.journal), 1);
    CHECK_INT(ask(&b, 0, 1), 0);
    b.learn_err = -ENOSPC;
    fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
    CHECK_INT(b.askers[0].told, 2);
    CHECK_INT(b.askers[0].err, -ENOSPC);
    fake_api_refuse(b.api, 1);
    CHECK_INT(ask(&b, 0, 1), -ENOMEM);
    CHECK(b.askers[0].waiter.list == NULL);
    CHECK_INT(b.askers[0].told, 2);
    tear_down(&b);
}

static void test_too_many(void)
{
    struct bench b;
    set_up(&b);
    for (unsigned n = 0; n < ASKS_MAX; n++)
        CHECK_INT(asks_start(b.asks, id_of(n), NULL), 0);
    CHECK_INT(ask(&b, 0, ASKS_MAX), -EAGAIN);
    CHECK(b.askers[0].waiter.list == NULL);
    CHECK_INT(ask(&b, 1, 0), 0); /* one that is being asked for already */
    fake_api_answer_status(get_of(&b, 7), 404);
    CHECK_INT(ask(&b, 0, ASKS_MAX), 0);
    CHECK_INT(fake_api_waiting(b.api), ASKS_MAX);
    waiters_remove(&b.askers[0].waiter);
    waiters_remove(&b.askers[1].waiter);
    tear_down(&b);
}

/* The first that is told removes the next, and asks again by another. */
static void remove_and_ask(struct bench *b)
{
    if (b->told > 1)
        return;
    waiters_remove(&b->askers[1].waiter);
    waiters_remove(&b->askers[1].waiter);
    CHECK_INT(ask(b, 3, 1), 0);
}

static void test_askers_that_change_the_list(void)
{
    struct bench b;
    set_up(&b);
    b.on_told = remove_and_ask;
    for (unsigned i = 0; i < 3; i++)
        CHECK_INT(ask(&b, i, 1), 0);
    fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
    CHECK_INT(b.askers[0].told, 1);
    CHECK_INT(b.askers[1].told, 0);
    CHECK_INT(b.askers[2].told, 1);
    CHECK_INT(b.askers[3].told, 0);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 2);
    fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
    CHECK_INT(b.askers[3].told, 1);
    tear_down(&b);
}

/* Who asks while the answer is applied is told of it with the others. */
static void test_asked_again_while_the_answer_is_applied(void)
{
    struct bench b;
    set_up(&b);
    CHECK_INT(ask(&b, 0, 1), 0);
    b.asks_while_learning = true;
    fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
    CHECK_INT(b.askers[0].turn, 1);
    CHECK_INT(b.askers[3].turn, 2);
    CHECK_INT(fake_api_waiting(b.api), 0);
    tear_down(&b);
}

static void ask_for_another(struct bench *b)
{
    if (b->told == 1)
        CHECK_INT(ask(b, 3, 2), 0);
}

/* All places are taken, and the one that becomes free is taken again by who is told. */
static void test_the_place_is_taken_again_at_once(void)
{
    struct bench b;
    set_up(&b);
    for (unsigned n = 0; n < ASKS_MAX - 1; n++)
        CHECK_INT(asks_start(b.asks, id_of(100 + n), NULL), 0);
    CHECK_INT(ask(&b, 0, 1), 0);
    CHECK_INT(ask(&b, 1, 1), 0);
    b.on_told = ask_for_another;
    fake_api_answer_object(get_of(&b, 1), object(1, false, 0));
    CHECK_INT(b.askers[0].told, 1);
    CHECK_INT(b.askers[1].told, 1);
    CHECK_INT(b.askers[3].told, 0);
    fake_api_answer_object(get_of(&b, 2), object(2, false, 0));
    CHECK_INT(b.askers[3].told, 1);
    tear_down(&b);
}

int main(void)
{
    test_askers_share_a_get();
    test_absence_is_remembered_for_ttl();
    test_the_oldest_absence_goes_first();
    test_another_spelling_is_absent();
    test_an_answer_that_a_change_overtook();
    test_failures_reach_the_askers();
    test_too_many();
    test_askers_that_change_the_list();
    test_asked_again_while_the_answer_is_applied();
    test_the_place_is_taken_again_at_once();
    return check_report();
}
