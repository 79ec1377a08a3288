/*
 * dispatch: has the service archive or hard-delete one connector, and finds out whether it did.
 * Whoever starts it has written the intent down before.
 *
 *   state     what is true in it                 what ends it                        next
 *   IDLE      nothing was sent                   dispatch_start                      SENDING, ENDED
 *                                                the same, with look_first           CHECKING
 *   SENDING   call is the DELETE                 its answer says all                 ENDED
 *                                                it was lost, or says too little     CHECKING
 *   CHECKING  call is a GET; a DELETE may have   its answer tells                    ENDED
 *             been carried out, and none         it was the first look, and the      SENDING
 *             says so; or it is the first look   connector is there
 *                                                a hard delete whose answer was
 *                                                lost, and the connector is there    PAUSING
 *                                                it may be too early: gone for the    DOUBTING
 *                                                first time, or an archive that was
 *                                                accepted and is not seen yet
 *   PAUSING   the timer is set, call is NULL     the timer is due                    SENDING
 *   DOUBTING  the timer is set, call is NULL     the timer is due                    CHECKING
 *   ENDED     what became of it is in the        -                                   -
 *             members; nothing is under way
 *
 * A hard delete is sent again DISPATCH_RESENDS_MAX times at most, never at or after the deadline,
 * and never after dispatch_abandon. (Archives, which do no harm twice, are repeated by api.h.)
 * Success is what the service said or a GET showed, nothing else; that a connector is gone, two
 * GETs in a row. An archive that may take effect after the end stays unsure. One thread.
 */
#ifndef BIGDATAFS_DELETION_DISPATCH_H
#define BIGDATAFS_DELETION_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bigdatafs/base/loop.h"
#include "bigdatafs/base/request.h"
#include "bigdatafs/base/sentence.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/service/api.h"

enum {
    DISPATCH_RESENDS_MAX = 3,
    DISPATCH_RESEND_MS = 500, /* until the first one, doubled for each */
    DISPATCH_DOUBTS_MAX = 3,
    DISPATCH_DOUBT_MS = 500, /* as DISPATCH_RESEND_MS: an accepted archive may take a moment */
};

enum dispatch_state {
    DISPATCH_IDLE,
    DISPATCH_SENDING,
    DISPATCH_CHECKING,
    DISPATCH_PAUSING,
    DISPATCH_DOUBTING,
    DISPATCH_ENDED,
};

/* What is to be sent, and whom to tell of the end; the pointers are borrowed. */
struct dispatch_request {
    struct loop *loop;
    struct api *api;
    struct catalogue *catalogue;
    enum request_op op;
    struct connector *connector; /* pinned by the caller until the end */
    uint64_t deadline_ms;        /* of loop_now */
    bool
        look_first; /* a hard delete that the service may have lost: sent if a GET shows it there */
    void (*done)(void *arg); /* once, at the end; may free the dispatch */
    void *arg;
};

/* Embedded in its owner, who reads all members and writes none. */
struct dispatch {
    struct dispatch_request request;
    enum dispatch_state state;
    struct api_op *call;
    struct loop_timer pause;
    bool abandoned;
    unsigned resends;
    unsigned doubts;           /* looks at an accepted archive that came too early */
    bool seen_gone;            /* the last look said so */
    unsigned requests;         /* DELETEs that were sent or tried */
    bool answered;             /* a DELETE has ended, and result tells how */
    struct api_result result;  /* of the last DELETE; its snapshot is not kept */
    bool unsure;               /* a DELETE may have been carried out, and nothing says so */
    bool last_lost;            /* the last DELETE got no answer */
    bool gone;                 /* the service does not have the connector any more */
    int err;                   /* 0, or a negative errno */
    char reason[SENTENCE_MAX]; /* for err < 0 */
};

void dispatch_init(struct dispatch *x, const struct dispatch_request *request);
/* Sends the first DELETE. The end may come before this returns. */
void dispatch_start(struct dispatch *x);
bool dispatch_is_under_way(const struct dispatch *x);

/* Nobody waits for it any more: no further DELETE is sent, and what was sent is followed to its
 * end. The end may come before this returns. Only while it is under way. */
void dispatch_abandon(struct dispatch *x);
/* Ends it now with this error; what was sent and not answered stays unsure. Only while it is under
 * way. */
void dispatch_stop(struct dispatch *x, int err, const char *reason);
/* Forgets it, without a word. */
void dispatch_cancel(struct dispatch *x);

#endif
