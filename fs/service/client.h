/*
 * client: calls of the service that outlast single failures. A call is one operation with one
 * deadline; the client sends it as often as it takes, as long as that is safe:
 *
 *   answer to an attempt             what the client does
 *   outage (answer_is_outage)        sends again after a random pause, which grows
 *   429                              sends again, and holds back all other calls too
 *   Retry-After with one of the two  makes the pause at least so long
 *   401                              reads the key again; sends once more if there is a new one
 *   any other                        ends the call
 *
 * A call ends with its last answer when the next attempt would come after its deadline. Its enum
 * resend can forbid what the table allows. While the circuit (circuit.h) is open new calls end at
 * once with the last failure, calls under way go on, and the client sends the circuit's probes: a
 * GET of an id that does not exist.
 *
 *   state           what holds                           what ends it         next
 *   CALL_STARTED    the timer is set, nothing was tried  the next turn        KEYING or ATTEMPTED
 *                                                        with a hold on       WAITING or ENDED
 *                                                        the circuit is open  ENDED
 *   CALL_KEYING     the timer is set; the key is looked  the look, the timer  as from STARTED, or
 *                   for, before the first attempt or                          after the 401 WAITING
 *                   after a 401                                               or ENDED
 *   CALL_WAITING    the timer is set, to a time before   the timer            ATTEMPTED
 *                   the deadline; answer is the last     with a hold on       WAITING or ENDED
 *   CALL_ATTEMPTED  the request is under way             its answer           KEYING, WAITING or
 *                                                                             ENDED
 *   CALL_ENDED      the call is the caller's again       nothing              none
 *
 * A hold is the pacer's: after a 429 nothing but the probe is sent. Where the table has WAITING or
 * ENDED, the call ends when its deadline is too near to wait, and after an answer also when that is
 * not one to send again after. An attempt that cannot be started ends the call from any state.
 *
 * client_cancel ends the call in any state but the last, without done.
 *
 * A struct client_call belongs to its caller, who keeps it alive from client_start until done is
 * called or client_cancel has returned. One thread.
 */
#ifndef BIGDATAFS_SERVICE_CLIENT_H
#define BIGDATAFS_SERVICE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/log.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/service/stats.h"
#include "http.h"

enum {
    CLIENT_BODY_MAX = 1 << 20, /* bytes of an answer that the client collects */
    CLIENT_KEY_MS = 1000,      /* for which a call waits for the key; then the last one is good */
};

enum resend {
    RESEND_ALWAYS, /* by the table above */
    RESEND_UNSENT, /* after an outage only if the service cannot have had any of the request */
    RESEND_NEVER,  /* the attempt under way is the last one, whatever its answer */
};

enum call_state { CALL_STARTED, CALL_KEYING, CALL_WAITING, CALL_ATTEMPTED, CALL_ENDED };

struct client_call;
typedef void client_call_fn(struct client_call *call);

struct client_call {
    /* Set by the caller. */
    struct http_request request; /* method, target and the conditions; the client sets the rest */
    enum resend resend;          /* may be changed while the call is under way */
    uint64_t deadline_ms;        /* of loop_now */
    client_call_fn *before_send; /* before every attempt, to forget the last one's; may be NULL */
    http_data_fn *data;          /* takes the body; NULL: the client collects it in body */
    client_call_fn *done;        /* called once, from the loop; may free or start the call */
    void *arg;
    /* Results, for done. */
    struct http_answer answer; /* to the last attempt */
    struct buf body;           /* the client frees it after done */
    unsigned attempts;
    bool lost; /* an attempt was sent and its answer never came: it may have been carried out */
    /* The client's own. */
    enum call_state state;
    struct client *client;
    TAILQ_ENTRY(client_call) link;
    struct loop_timer timer;
    TAILQ_ENTRY(client_call) keying;
    uint64_t look; /* CALL_KEYING: number of the look for the key that it waits for */
    bool rekeyed;  /* the key was read again for this call: it is not a second time */
    unsigned key;  /* number of the key that the last attempt was sent with */
};

enum rekey {
    REKEY_SAME,
    REKEY_CHANGED,
    REKEY_FAILED, /* with one sentence in why */
    REKEY_LATER,  /* client_rekeyed will tell; until then it is not asked again */
};
/* Reads the key again if there is reason to, and sets it with http_set_key if it changed. refused:
 * the service did not accept the one in use. */
typedef enum rekey client_rekey_fn(void *arg, struct http *http, bool refused, char *why,
                                   size_t size);

struct client;

/* What a look ended with that was REKEY_LATER; why is for REKEY_FAILED. Not from within. */
void client_rekeyed(struct client *c, enum rekey result, const char *why);

/* What a client is made from; all borrowed. */
struct client_parts {
    struct loop *loop;
    struct log *log;
    struct http *http;
    client_rekey_fn *rekey;
    void *rekey_arg;
};

int client_new(const struct client_parts *parts, struct client **out) MUST_CHECK;
void client_free(struct client *c); /* cancels what is under way, without done; NULL is fine */

/* done is never called from within. */
void client_start(struct client *c, struct client_call *call);
/* done will not be called. What was sent is not taken back by it. */
void client_cancel(struct client_call *call);

/* Takes the API key out of a text that the service sent. */
void client_mask_key(const struct client *c, char *text);

const struct service_stats *client_stats(const struct client *c);

#endif
