/* Outcomes that are unknown, of this run and of earlier ones: looked at until a look tells. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum {
    RECOVER_AT_ONCE = 16,
    RESOLUTION_LOOKS = 4, /* without progress, at a hard delete whose outcome is unknown */
};

static void recover_next(struct deletions *d);

static enum audit_fate fate_of(const struct connector *connector)
{
    if (!connector_exists(connector))
        return AUDIT_GONE;
    return connector->place == PLACE_ARCHIVED ? AUDIT_ARCHIVED : AUDIT_STILL_THERE;
}

static void resolution_free(struct resolution *r)
{
    catalogue_unwait(&r->waiter);
    loop_timer_clear(&r->timer);
    snapshot_unref(r->seen);
    r->prev->next = r->next;
    r->next->prev = r->prev;
    r->all->resolving--;
    free(r);
}

static void look_again(struct resolution *r)
{
    loop_timer_set(r->all->loop, &r->timer, r->delay_ms);
    r->delay_ms = r->delay_ms < JOB_SLOWEST_MS / 2 ? r->delay_ms * 2 : JOB_SLOWEST_MS;
}

/* A hard delete may be running although its answer was lost: only one that shows no progress over
 * several looks is still there. */
static bool may_be_running(struct resolution *r, const struct connector *connector)
{
    if (r->record.op != REQUEST_FORCE_DELETE || connector == NULL || connector->snapshot == NULL)
        return false;
    struct snapshot *now = connector->snapshot;
    bool moved = r->seen != NULL && !snapshot_has_text(r->seen, now->text, now->text_len);
    snapshot_unref(r->seen);
    r->seen = snapshot_ref(now);
    if (moved) {
        r->looks = 0;
        r->delay_ms = JOB_FIRST_MS;
    }
    return ++r->looks < RESOLUTION_LOOKS;
}

static void on_resolved(void *arg, int err)
{
    struct resolution *r = arg;
    struct deletions *d = r->all;
    struct connector *connector = connectors_find(catalogue_connectors(d->catalogue), r->record.id);
    bool runs = r->accepted && connector_exists(connector);
    /* What was not seen is no look: only an answer tells that nothing moves. */
    bool wait =
        err < 0 || (runs ? connector_is_being_deleted(connector) : may_be_running(r, connector));
    if (wait) {
        look_again(r);
        return;
    }
    bool of_earlier_run = r->of_earlier_run;
    if (runs) {
        followup_start(d, connector, &r->record);
    } else {
        audit_resolved(d->audit, &r->record, fate_of(connector));
        log_info(d->log, "%s, whose outcome was unknown, is %s", r->record.id,
                 audit_fate_name(fate_of(connector)));
    }
    resolution_free(r);
    if (of_earlier_run)
        recover_next(d);
}

static void on_look_due(void *arg)
{
    struct resolution *r = arg;
    int err;
    if (catalogue_ask(r->all->catalogue, r->record.id, &r->waiter, &err) != CATALOGUE_ASKED)
        on_resolved(r, err);
}

static void resolve(struct deletions *d, const struct audit_record *record, bool of_earlier_run,
                    bool was_accepted)
{
    struct resolution *r = d->stopping ? NULL : calloc(1, sizeof *r);
    if (r == NULL)
        return; /* the next mount resolves it */
    *r = (struct resolution){.all = d,
                             .record = *record,
                             .of_earlier_run = of_earlier_run,
                             .accepted = was_accepted,
                             .delay_ms = JOB_FIRST_MS,
                             .prev = d->resolutions.prev,
                             .next = &d->resolutions};
    r->waiter = (struct catalogue_waiter){.done = on_resolved, .arg = r};
    r->prev->next = r->next->prev = r;
    d->resolving++;
    loop_timer_init(&r->timer, on_look_due, r);
    loop_timer_set(d->loop, &r->timer, 0);
}

void followup_resolve(struct deletions *d, const struct audit_record *record)
{
    resolve(d, record, false, false);
}

/* Takes up what an earlier run left open, a few at a time. A hard delete that was accepted is
 * followed again; of everything else the service is asked what became of it. */
static void recover_next(struct deletions *d)
{
    while (d->earlier_next < d->earlier_count && d->resolving < RECOVER_AT_ONCE) {
        const struct audit_pending *p = &d->earlier[d->earlier_next++];
        struct connector *connector =
            connectors_find(catalogue_connectors(d->catalogue), p->record.id);
        if (p->accepted && connector_exists(connector) && !connector_is_being_deleted(connector))
            followup_start(d, connector, &p->record);
        else
            resolve(d, &p->record, true, p->accepted);
    }
}

void deletions_recover(struct deletions *d)
{
    if (audit_state(d->audit) < 0)
        return;
    int err = audit_recover(d->audit, &d->earlier, &d->earlier_count);
    if (err < 0)
        log_warning(d->log, "the audit log %s cannot be read: %s", audit_path(d->audit),
                    strerror(-err));
    if (d->earlier_count > 0)
        log_warning(d->log,
                    "%zu deletions of an earlier run have no end in the audit log: asking the "
                    "service",
                    d->earlier_count);
    recover_next(d);
}

void resolutions_free(struct deletions *d)
{
    while (d->resolutions.next != &d->resolutions)
        resolution_free(d->resolutions.next);
}
