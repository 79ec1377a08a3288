#include "follow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "job.h"

enum state { WAITING, ASKING, HELD };

/* A hard delete that the service accepted. */
struct follow {
    TAILQ_ENTRY(follow) link;
    struct follows *all;
    enum state state;
    struct connector *connector;
    struct audit_record record;
    struct api_op *op; /* the GET, in ASKING */
    struct loop_timer timer;
    uint64_t delay_ms;
    uint64_t changes;      /* the catalogue's count when the GET was sent */
    bool seen_gone;        /* the last answer said so */
    uint64_t progress_ms;  /* loop_now when the connector last changed */
    struct snapshot *last; /* the connector as it was then; NULL: not seen yet */
};

struct follows {
    struct follow_parts parts;
    TAILQ_HEAD(, follow) list;
    unsigned count;
};

static void check_invariants(const struct follow *x)
{
    assert((x->op != NULL) == (x->state == ASKING));
    assert(loop_timer_is_set(&x->timer) == (x->state == WAITING));
    assert(x->connector->pins > 0);
    assert(connector_is_being_deleted(x->connector));
    assert(x->delay_ms >= FOLLOW_FIRST_MS && x->delay_ms <= FOLLOW_SLOWEST_MS);
    (void)x;
}

static void follow_free(struct follow *x)
{
    loop_timer_clear(&x->timer);
    if (x->op != NULL)
        api_cancel(x->op);
    TAILQ_REMOVE(&x->all->list, x, link);
    x->all->count--;
    x->connector->pins--;
    snapshot_unref(x->last);
    free(x);
}

static struct follow *find_held(const struct follows *f, const struct connector *connector)
{
    struct follow *x = TAILQ_FIRST(&f->list);
    while (x != NULL && (x->connector != connector || x->state != HELD))
        x = TAILQ_NEXT(x, link);
    return x;
}

static void wait(struct follow *x, uint64_t ms)
{
    x->state = WAITING;
    loop_timer_set(x->all->parts.loop, &x->timer, ms);
    check_invariants(x);
}

static void gone(struct follow *x)
{
    const struct follow_parts *p = &x->all->parts;
    struct connector *connector = x->connector;
    audit_resolved(p->audit, &x->record, AUDIT_GONE);
    log_info(p->log, "%s is deleted", connector->id);
    if (connector_exists(connector))
        catalogue_learn_gone(p->catalogue, connector);
    catalogue_set_progress(p->catalogue, connector, PROGRESS_IDLE);
    follow_free(x);
}

static void looked_gone(struct follow *x)
{
    if (x->seen_gone) {
        gone(x);
        return;
    }
    x->seen_gone = true;
    wait(x, API_GONE_AGAIN_MS);
}

static void seen(struct follow *x, struct snapshot *now)
{
    const struct follow_parts *p = &x->all->parts;
    x->seen_gone = false;
    if (snapshot_has_text(x->last, now->text, now->text_len))
        return;
    snapshot_unref(x->last);
    x->last = snapshot_ref(now);
    x->progress_ms = loop_now(p->loop);
    int err = catalogue_learn(p->catalogue, now, NULL);
    if (err < 0)
        log_warning(p->log, "%s: %s", x->connector->id, strerror(-err));
}

/* Whether the service shows no progress or cannot be asked: both count as none. */
static void note_progress(struct follow *x)
{
    const struct follow_parts *p = &x->all->parts;
    bool stalled = loop_now(p->loop) - x->progress_ms >= FOLLOW_STALLED_MS;
    if (stalled && x->connector->progress != PROGRESS_STALLED)
        log_warning(p->log, "the hard delete of %s makes no progress", x->connector->id);
    catalogue_set_progress(p->catalogue, x->connector,
                           stalled ? PROGRESS_STALLED : PROGRESS_DELETING);
}

static void on_answer(void *arg, const struct api_result *result)
{
    struct follow *x = arg;
    x->op = NULL;
    bool old = connector_changed_since(x->connector, x->changes);
    if (!old && api_says_gone(result)) {
        looked_gone(x);
        return;
    }
    if (!old && result->err == 0)
        seen(x, result->snapshot);
    note_progress(x);
    x->delay_ms += x->delay_ms / 2;
    if (x->delay_ms > FOLLOW_SLOWEST_MS)
        x->delay_ms = FOLLOW_SLOWEST_MS;
    wait(x, x->delay_ms);
}

static void on_due(void *arg)
{
    struct follow *x = arg;
    struct api *api = x->all->parts.api;
    struct api_call call = {.deadline_ms = api_deadline(api), .done = on_answer, .arg = x};
    if (api_get(api, x->connector->id, &call, &x->op) < 0) {
        wait(x, x->delay_ms);
        return;
    }
    x->changes = catalogue_changes(x->all->parts.catalogue);
    x->state = ASKING;
    check_invariants(x);
}

void follows_hold(struct follows *f, const struct connector *connector)
{
    struct follow *x = TAILQ_FIRST(&f->list);
    while (x != NULL && x->connector != connector)
        x = TAILQ_NEXT(x, link);
    if (x == NULL)
        return;
    loop_timer_clear(&x->timer);
    if (x->op != NULL)
        api_cancel(x->op);
    x->op = NULL;
    x->state = HELD;
    check_invariants(x);
}

void follows_release(struct follows *f, const struct connector *connector)
{
    struct follow *x = find_held(f, connector);
    if (x != NULL && !connector_exists(connector))
        gone(x);
    else if (x != NULL)
        wait(x, x->delay_ms);
}

/* The service lost what was followed, and has accepted it anew. */
static void begin_anew(struct follow *x, const struct audit_record *record)
{
    const struct follow_parts *p = &x->all->parts;
    audit_resolved(p->audit, &x->record, AUDIT_STILL_THERE);
    x->record = *record;
    x->progress_ms = loop_now(p->loop);
    x->delay_ms = FOLLOW_FIRST_MS;
    catalogue_set_progress(p->catalogue, x->connector, PROGRESS_DELETING);
    wait(x, x->delay_ms);
}

void follows_add(struct follows *f, struct connector *connector, const struct audit_record *record)
{
    struct follow *held = find_held(f, connector);
    if (held != NULL) {
        begin_anew(held, record);
        return;
    }
    struct follow *x = calloc(1, sizeof *x);
    if (x == NULL) {
        log_error(f->parts.log, "no memory to follow the hard delete of %s", connector->id);
        return;
    }
    *x = (struct follow){.all = f,
                         .connector = connector,
                         .record = *record,
                         .delay_ms = FOLLOW_FIRST_MS,
                         .progress_ms = loop_now(f->parts.loop)};
    TAILQ_INSERT_TAIL(&f->list, x, link);
    f->count++;
    connector->pins++;
    catalogue_set_progress(f->parts.catalogue, connector, PROGRESS_DELETING);
    loop_timer_init(&x->timer, on_due, x);
    wait(x, x->delay_ms);
}

unsigned follows_count(const struct follows *f)
{
    return f->count;
}

int follows_render(const struct follows *f, struct buf *to)
{
    int err = 0;
    for (const struct follow *x = TAILQ_FIRST(&f->list); x != NULL; x = TAILQ_NEXT(x, link)) {
        bool stalled = x->connector->progress == PROGRESS_STALLED;
        uint64_t quiet_s = (loop_now(f->parts.loop) - x->progress_ms) / 1000;
        err = job_render(to, &x->record, stalled ? "stalled" : "deleting", (int64_t)quiet_s);
        if (err < 0)
            break;
    }
    return err;
}

int follows_new(const struct follow_parts *parts, struct follows **out)
{
    struct follows *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    f->parts = *parts;
    TAILQ_INIT(&f->list);
    *out = f;
    return 0;
}

void follows_free(struct follows *f)
{
    if (f == NULL)
        return;
    while (!TAILQ_EMPTY(&f->list))
        follow_free(TAILQ_FIRST(&f->list));
    free(f);
}
