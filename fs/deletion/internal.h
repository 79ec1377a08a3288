/*
 * deletion_internal: what deletion.c (requests) and followup.c (what comes after the answer) share.
 */
#ifndef BIGDATAFS_DELETION_INTERNAL_H
#define BIGDATAFS_DELETION_INTERNAL_H

#include "bigdatafs/base/sentence.h"
#include "bigdatafs/deletion/deletion.h"

enum state { INTENT, SENDING, CHECKING, OUTCOME };

struct deletion {
    struct deletion *next, *prev;
    struct deletions *all;
    enum state state;
    struct connector *connector; /* pinned */
    struct audit_record record;
    struct api_op *op;        /* SENDING, CHECKING */
    struct loop_timer resend; /* SENDING: a hard delete waits to be sent again */
    unsigned resends;
    bool abandoned;
    bool gone; /* the service does not have it any more */
    uint64_t deadline_ms;
    deletion_done_fn *done; /* NULL: nobody waits */
    void *arg;
    struct api_result result; /* of the last DELETE; connector is not set ... */
    bool answered;            /* ... once there is one */
    unsigned requests;        /* DELETEs sent or tried */
    bool unsure;              /* one of them may have been carried out ... */
    bool last_unsure;         /* ... and it may be the last one */
    int err;
    char reason[SENTENCE_MAX];
};

/* A hard delete that the service accepted. */
struct job {
    struct deletions *all;
    struct connector *connector; /* pinned */
    struct audit_record record;
    struct api_op *op;
    struct loop_timer timer;
    uint64_t delay_ms;
    uint64_t progress_ms;  /* loop_now when the connector last changed */
    struct snapshot *last; /* as it was then */
    struct job *next, *prev;
};

/* An unknown outcome, once a GET can tell. */
struct resolution {
    struct deletions *all;
    struct audit_record record;
    struct catalogue_waiter waiter;
    bool of_earlier_run;
    bool accepted;           /* a hard delete: it runs as long as the connector is there */
    struct loop_timer timer; /* until the next look */
    uint64_t delay_ms;
    unsigned looks;        /* since it last moved ... */
    struct snapshot *seen; /* ... to this; NULL: not seen yet */
    struct resolution *next, *prev;
};

struct deletions {
    struct loop *loop;
    struct api *api;
    struct catalogue *catalogue;
    struct audit *audit;
    struct log *log;
    struct journal *journal;
    struct deletion_stats stats;
    struct deletion_options options;
    struct deletion ring;          /* head */
    struct job jobs;               /* head */
    struct resolution resolutions; /* head */
    unsigned under_way, job_count;
    unsigned resolving;
    bool closed, stopping;
    struct audit_pending *earlier;      /* what an earlier run left open ... */
    size_t earlier_count, earlier_next; /* ... and how far it was taken up */
    uint64_t *times; /* guard: when the last options.guard single deletions were let through */
    size_t next_time;
};

/* The service accepted the hard delete: follows it to its end. */
void followup_start(struct deletions *d, struct connector *connector,
                    const struct audit_record *record);
/* The outcome is unknown: asks what became of it until the service tells, and records that. */
void followup_resolve(struct deletions *d, const struct audit_record *record);
/* Forget everything that is followed, or looked at, without a word. */
void followup_free(struct deletions *d);
void resolutions_free(struct deletions *d);

#endif
