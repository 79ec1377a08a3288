#include "seed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "identifier.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const int64_t SEED_FIRST_US = 1736154000LL * 1000000;   /* 2025-01-06 09:00 UTC */
static const int64_t SEED_SPAN_US = 400LL * 86400 * 1000000;   /* of the creations */
static const int64_t SEED_UPDATES_US = 45LL * 86400 * 1000000; /* after the creation, at most */

static const char *const seed_types[] = {"email", "investment_research", "email", "sharepoint",
                                         "email", "investment_research", "email"};

static const char *const seed_sources[] = {
    "Broker Research",
    "Équipe Zürich",
    "M&A / Deal Flow",
    "日本株リサーチ",
    "Nordic Equities",
    "Crédit & Taux",
    "Team \"Alpha\"",
    "Наблюдение за рынком",
    "Fixed Income / Rates",
    "Südamerika – Rohstoffe",
    "ESG 🌱",
    "Private Markets",
    "50% Growth Fund",
    "Back Office",
    "Compliance",
    "Expert Calls",
};

static const char *const seed_topics[] = {
    "Daily Reports",
    "Morning Notes",
    "Earnings Q1/Q2",
    "Weekly Digest",
    "Conference Transcripts",
    "Sector Updates",
    "Models & Valuations",
    "Übersicht",
    "Newsletters",
    "Client Memos",
    "Credit Alerts",
    "Macro / FX",
};

static const char *const seed_descriptions[] = {
    NULL,
    "Collects daily reports from the broker's research team",
    "Forwarded by the desk.\nAsk Zoë before changing the allowed senders.",
    "",
    "Everything that arrives under \"research@\"; kept for 7 years",
};

static const char *const seed_failures[] = {
    "Authentication failed: the token has expired",
    "Mailbox is over its quota (100%)",
    "Timed out after 300 s while reading \"Q3/Übersicht.xlsx\"",
    "Le serveur distant a fermé la connexion",
};

static const char *const seed_senders[] = {"research", "anna.lind", "desk+notes", "j.o'neil",
                                           "reports"};

struct seed {
    uint64_t n;
    uint64_t state;
    char id[UUID_SIZE];
    char label[128];
    char config[512];
};

/* splitmix64: small, good enough, and the same everywhere. */
static uint64_t seed_next(struct seed *s)
{
    uint64_t z = s->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t seed_below(struct seed *s, uint64_t limit)
{
    return seed_next(s) % limit;
}

static const char *seed_pick(struct seed *s, const char *const *from, size_t count)
{
    return from[seed_below(s, count)];
}

/* What is written here is plain ASCII without quotes: JSON as it stands. */
static void seed_config(struct seed *s, const char *type)
{
    uint64_t hash = seed_next(s) >> 16;
    uint64_t senders = seed_below(s, 4);
    if (type[0] == 's') {
        (void)snprintf(s->config, sizeof(s->config), "{}");
    } else if (type[0] == 'i') {
        (void)snprintf(s->config, sizeof(s->config), "{\"user_id\":\"research-%06" PRIx64 "\"}",
                       hash >> 24);
    } else {
        size_t len = (size_t)snprintf(s->config, sizeof(s->config), "{\"allowed_emails\":[");
        for (uint64_t i = 0; i < senders; i++)
            len += (size_t)snprintf(s->config + len, sizeof(s->config) - len,
                                    "%s\"%s@broker%d.example.com\"", i ? "," : "",
                                    seed_pick(s, seed_senders, COUNT_OF(seed_senders)),
                                    (int)seed_below(s, 40));
        (void)snprintf(s->config + len, sizeof(s->config) - len,
                       "],\"email_hash\":\"%012" PRIx64 "\",\"email\":\"%012" PRIx64
                       "@connectors.example.com\"}",
                       hash, hash);
    }
}

/* One in 13 was never synced, one in 7 failed. */
static void seed_sync(struct seed *s, uint64_t i, struct record *r)
{
    int64_t after = (int64_t)seed_below(s, (uint64_t)SEED_UPDATES_US);
    int64_t count = (int64_t)seed_below(s, 5000);
    const char *failure = seed_pick(s, seed_failures, COUNT_OF(seed_failures));
    r->last_sync_at = -1;
    r->last_sync_count = -1;
    if (i % 13 == 4)
        return;
    r->last_sync_at = r->created_at + after;
    r->last_sync_status = "SUCCESS";
    r->last_sync_count = count;
    if (i % 7 == 3) {
        r->last_sync_status = "FAILED";
        r->last_sync_error_msg = failure;
        r->last_sync_count = 0;
    }
}

static int seed_make(void *arg, uint64_t i, struct record *r)
{
    struct seed *s = arg;
    int64_t step = SEED_SPAN_US / (int64_t)s->n;
    int64_t created = SEED_FIRST_US + step * (int64_t)i + (int64_t)seed_below(s, (uint64_t)step);
    const uint64_t bits[2] = {seed_next(s), seed_next(s)};
    const char *source = seed_pick(s, seed_sources, COUNT_OF(seed_sources));
    const char *topic = seed_pick(s, seed_topics, COUNT_OF(seed_topics));
    bool foreign = i % 9 == 8; /* a colleague's, shared with the organisation */
    uuid_v7((uint64_t)created / 1000, bits, s->id);
    (void)snprintf(s->label, sizeof(s->label), "%s - %s", source, topic);
    *r = (struct record){
        .id = s->id,
        .user_id = foreign ? "user_id_002" : "user_id_001",
        .org_id = "org_id_001",
        .label = s->label,
        .type = seed_types[i % COUNT_OF(seed_types)],
        .description = seed_pick(s, seed_descriptions, COUNT_OF(seed_descriptions)),
        .config = s->config,
        .created_at = created,
        .updated_at = created + (int64_t)seed_below(s, (uint64_t)SEED_UPDATES_US),
        .files_count = (int64_t)seed_below(s, 201),
        .share_with_org = foreign || seed_below(s, 3) == 0,
        .archived = i % 10 == 5,
    };
    r->changed_at = r->updated_at;
    seed_config(s, r->type);
    seed_sync(s, i, r);
    return 0;
}

int seed_fill(struct store *s, uint64_t n)
{
    struct seed seed = {.n = n ? n : 1, .state = n};
    return store_fill(s, n, seed_make, &seed);
}
