#include "resolve.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "recovery.h"

enum state { WAITING, ASKING };

/* A deletion that is looked at. */
struct resolution {
    TAILQ_ENTRY(resolution) link;
    struct resolutions *all;
    enum state state;
    struct audit_record record;
    bool accepted;      /* a hard delete that the service accepted */
    bool earlier;       /* of an earlier run: it makes room when its look fails */
    uint64_t failed_ms; /* the pause after the look that failed last; 0: none failed */
    struct api_op *op;  /* the GET, in ASKING */
    uint64_t changes;   /* the catalogue's count when it was sent */
    bool seen_gone;     /* the last answer said so */
    struct loop_timer timer;
    uint64_t delay_ms;
    unsigned looks;        /* answers since the connector last changed */
    struct snapshot *seen; /* the connector in the last answer; NULL: not seen yet */
};

struct resolutions {
    struct follow_parts parts;
    struct follows *follows;
    TAILQ_HEAD(, resolution) list;
    unsigned count;
    struct opens *earlier;  /* what earlier runs left open and is not looked at now */
    struct loop_timer turn; /* when the first of them is due */
    uint64_t refused_ms;    /* the pause after the last refusal; 0: a look succeeded since */
    uint64_t refused_until_ms;
    bool stopping;
};

static void check_invariants(const struct resolution *x)
{
    assert(loop_timer_is_set(&x->timer) == (x->state == WAITING));
    assert((x->op != NULL) == (x->state == ASKING));
    assert(x->looks < RESOLVE_LOOKS);
    assert(!x->accepted || x->record.op == REQUEST_FORCE_DELETE);
    (void)x;
}

static enum audit_fate fate_of(const struct connector *connector)
{
    if (!connector_exists(connector))
        return AUDIT_GONE;
    return connector->place == PLACE_ARCHIVED ? AUDIT_ARCHIVED : AUDIT_STILL_THERE;
}

static void resolution_free(struct resolution *x)
{
    loop_timer_clear(&x->timer);
    if (x->op != NULL)
        api_cancel(x->op);
    snapshot_unref(x->seen);
    TAILQ_REMOVE(&x->all->list, x, link);
    x->all->count--;
    free(x);
}

static void wait(struct resolution *x, uint64_t ms)
{
    x->state = WAITING;
    loop_timer_set(x->all->parts.loop, &x->timer, ms);
    check_invariants(x);
}

static void look_again(struct resolution *x)
{
    uint64_t delay_ms = x->delay_ms;
    x->delay_ms = delay_ms < FOLLOW_SLOWEST_MS / 2 ? delay_ms * 2 : FOLLOW_SLOWEST_MS;
    wait(x, delay_ms);
}

/* Whether a deletion, of which nobody knows that it was accepted, may take effect all the same. A
 * change shows that a hard delete is running; of an archive it shows nothing. */
static bool may_be_running(struct resolution *x, const struct connector *connector)
{
    bool hard = x->record.op == REQUEST_FORCE_DELETE;
    if (!hard && connector->place == PLACE_ARCHIVED)
        return false;
    struct snapshot *now = connector->snapshot;
    bool moved = hard && x->seen != NULL && !snapshot_has_text(x->seen, now->text, now->text_len);
    snapshot_unref(x->seen);
    x->seen = snapshot_ref(now);
    if (moved) {
        x->looks = 0;
        x->delay_ms = FOLLOW_FIRST_MS;
    }
    return x->looks + 1 < RESOLVE_LOOKS;
}

static void take_up_earlier(struct resolutions *r);

static void end(struct resolution *x, struct connector *connector)
{
    struct resolutions *r = x->all;
    if (x->accepted && connector_exists(connector)) {
        follows_add(r->follows, connector, &x->record);
    } else {
        enum audit_fate fate = fate_of(connector);
        audit_resolved(r->parts.audit, &x->record, fate);
        log_info(r->parts.log, "%s, whose outcome was unknown, is %s", x->record.id,
                 audit_fate_name(fate));
    }
    resolution_free(x);
    take_up_earlier(r);
}

static uint64_t longer(uint64_t pause_ms)
{
    if (pause_ms == 0)
        return FOLLOW_FIRST_MS;
    return pause_ms < RESOLVE_SLOWEST_MS / 2 ? pause_ms * 2 : RESOLVE_SLOWEST_MS;
}

static void note_refusal(struct resolutions *r, uint64_t now)
{
    if (now < r->refused_until_ms)
        return; /* one of the same round */
    r->refused_ms = longer(r->refused_ms);
    r->refused_until_ms = now + r->refused_ms;
}

/* A look that failed makes room: the deletion goes to the back. Without memory it keeps its place.
 */
static void make_room(struct resolution *x, int err)
{
    struct resolutions *r = x->all;
    uint64_t now = loop_now(r->parts.loop);
    if (err == -EACCES)
        note_refusal(r, now);
    if (!x->earlier || opens_add(r->earlier, &x->record, x->accepted) < 0) {
        look_again(x);
        return;
    }
    struct open_deletion *open = TAILQ_LAST(&r->earlier->list, open_list);
    open->delay_ms = longer(x->failed_ms);
    open->due_ms = now + open->delay_ms;
    resolution_free(x);
    take_up_earlier(r);
}

static void looked_gone(struct resolution *x, struct connector *connector)
{
    if (!x->seen_gone) {
        x->seen_gone = true;
        wait(x, API_GONE_AGAIN_MS);
        return;
    }
    if (connector_exists(connector))
        catalogue_learn_gone(x->all->parts.catalogue, connector);
    end(x, connector);
}

/* A connector that something else is being done to is left alone until that has ended. */
static void looked(struct resolution *x, struct snapshot *snapshot)
{
    struct connector *connector;
    x->seen_gone = false;
    bool again = catalogue_learn(x->all->parts.catalogue, snapshot, &connector) < 0;
    if (!again && x->accepted) {
        again = connector->progress != PROGRESS_IDLE;
    } else if (!again && may_be_running(x, connector)) {
        x->looks++;
        again = true;
    }
    if (again)
        look_again(x);
    else
        end(x, connector);
}

/* Only an answer is a look: what cannot be asked for tells nothing. */
static void on_answer(void *arg, const struct api_result *result)
{
    struct resolution *x = arg;
    struct catalogue *catalogue = x->all->parts.catalogue;
    struct connector *connector = connectors_find(catalogue_connectors(catalogue), x->record.id);
    x->op = NULL;
    bool gone = api_says_gone(result), answered = gone || result->err == 0;
    if (answered)
        x->all->refused_ms = 0;
    if (!answered)
        make_room(x, result->err);
    else if (connector_changed_since(connector, x->changes))
        look_again(x);
    else if (gone)
        looked_gone(x, connector);
    else
        looked(x, result->snapshot);
}

static void on_due(void *arg)
{
    struct resolution *x = arg;
    const struct follow_parts *p = &x->all->parts;
    struct api_call call = {.deadline_ms = api_deadline(p->api), .done = on_answer, .arg = x};
    if (api_get(p->api, x->record.id, &call, &x->op) < 0) {
        look_again(x);
        return;
    }
    x->changes = catalogue_changes(p->catalogue);
    x->state = ASKING;
    check_invariants(x);
}

static struct resolution *resolve(struct resolutions *r, const struct audit_record *record,
                                  bool accepted)
{
    struct resolution *x = r->stopping ? NULL : calloc(1, sizeof *x);
    if (x == NULL)
        return NULL; /* the next mount resolves it */
    *x = (struct resolution){
        .all = r, .record = *record, .accepted = accepted, .delay_ms = FOLLOW_FIRST_MS};
    TAILQ_INSERT_TAIL(&r->list, x, link);
    r->count++;
    loop_timer_init(&x->timer, on_due, x);
    loop_timer_set(r->parts.loop, &x->timer, 0);
    check_invariants(x);
    return x;
}

void resolutions_add(struct resolutions *r, const struct audit_record *record)
{
    resolve(r, record, false);
}

/* A hard delete that was accepted is followed again where that is possible at once; of everything
 * else the service is asked what became of it. */
static void take_up(struct resolutions *r, const struct open_deletion *open)
{
    struct resolution *x = NULL;
    struct connector *connector =
        connectors_find(catalogue_connectors(r->parts.catalogue), open->record.id);
    if (open->accepted && connector_exists(connector) && connector->progress == PROGRESS_IDLE)
        follows_add(r->follows, connector, &open->record);
    else
        x = resolve(r, &open->record, open->accepted);
    if (x == NULL)
        return;
    x->earlier = true;
    x->failed_ms = open->delay_ms;
}

/* Those that were never looked at stand before those that are looked at again, whose pauses are
 * not in their order: a later one may wait for one that is due after it, within the longest pause.
 */
static void take_up_earlier(struct resolutions *r)
{
    uint64_t now = loop_now(r->parts.loop);
    unsigned most = r->refused_ms > 0 ? 1 : RESOLVE_AT_ONCE;
    loop_timer_clear(&r->turn);
    while (!r->stopping && r->earlier->count > 0 && r->count < most) {
        struct open_deletion *open = TAILQ_FIRST(&r->earlier->list);
        uint64_t due_ms = open->due_ms > r->refused_until_ms ? open->due_ms : r->refused_until_ms;
        if (due_ms > now) {
            loop_timer_set(r->parts.loop, &r->turn, due_ms - now);
            return;
        }
        take_up(r, open);
        opens_remove(r->earlier, open);
    }
}

static void on_turn(void *arg)
{
    take_up_earlier(arg);
}

void resolutions_recover(struct resolutions *r, struct guard_history *history)
{
    const struct follow_parts *p = &r->parts;
    if (audit_state(p->audit) < 0)
        return;
    int err = recovery_read(p->audit, r->earlier, history);
    if (err < 0)
        log_warning(p->log, "the audit log %s cannot be read: %s", audit_path(p->audit),
                    strerror(-err));
    const struct open_deletion *open = TAILQ_FIRST(&r->earlier->list);
    for (; open != NULL; open = TAILQ_NEXT(open, order))
        audit_adopt(p->audit, &open->record, open->accepted);
    if (r->earlier->count > 0)
        log_warning(p->log,
                    "%zu deletions of an earlier run have no end in the audit log: asking the "
                    "service",
                    r->earlier->count);
    take_up_earlier(r);
}

void resolutions_stop(struct resolutions *r)
{
    r->stopping = true;
    loop_timer_clear(&r->turn);
}

int resolutions_new(const struct follow_parts *parts, struct follows *follows,
                    struct resolutions **out)
{
    struct resolutions *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->parts = *parts;
    r->follows = follows;
    TAILQ_INIT(&r->list);
    loop_timer_init(&r->turn, on_turn, r);
    int err = opens_new(&r->earlier);
    if (err < 0) {
        free(r);
        return err;
    }
    *out = r;
    return 0;
}

void resolutions_free(struct resolutions *r)
{
    if (r == NULL)
        return;
    loop_timer_clear(&r->turn);
    while (!TAILQ_EMPTY(&r->list))
        resolution_free(TAILQ_FIRST(&r->list));
    opens_free(r->earlier);
    free(r);
}
