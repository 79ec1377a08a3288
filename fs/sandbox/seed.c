#include "seed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "identifier.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const int64_t first_us = 1736154000LL * 1000000; /* 2025-01-06 09:00 UTC */
static const int64_t span_us =
    400LL * 86400 * 1000000; /* between the first creation and the last */
static const int64_t updates_us = 45LL * 86400 * 1000000; /* after the creation, at most */

static const char *const types[] = {"email", "investment_research", "email", "sharepoint",
                                    "email", "investment_research", "email"};

static const char *const sources[] = {
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

static const char *const topics[] = {
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

static const char *const descriptions[] = {
    NULL,
    "Collects daily reports from the broker's research team",
    "Forwarded by the desk.\nAsk Zoë before changing the allowed senders.",
    "",
    "Everything that arrives under \"research@\"; kept for 7 years",
};

static const char *const sync_errors[] = {
    "Authentication failed: the token has expired",
    "Mailbox is over its quota (100%)",
    "Timed out after 300 s while reading \"Q3/Übersicht.xlsx\"",
    "Le serveur distant a fermé la connexion",
};

static const char *const sender_names[] = {"research", "anna.lind", "desk+notes", "j.o'neil",
                                           "reports"};

struct seed {
    uint64_t n;
    uint64_t state;
    char id[UUID_SIZE];
    char label[128];
    char config[512];
};

/* splitmix64: small, good enough, and the same everywhere. */
static uint64_t next_random(struct seed *s)
{
    uint64_t z = s->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t random_below(struct seed *s, uint64_t limit)
{
    return next_random(s) % limit;
}

static const char *pick(struct seed *s, const char *const *from, size_t count)
{
    return from[random_below(s, count)];
}

/* The values are plain ASCII without quotes, so they are JSON as they stand. */
static void make_config(struct seed *s, const char *type)
{
    uint64_t hash = next_random(s) >> 16;
    uint64_t senders = random_below(s, 4);
    if (type[0] == 's') {
        (void)snprintf(s->config, sizeof s->config, "{}");
    } else if (type[0] == 'i') {
        (void)snprintf(s->config, sizeof s->config, "{\"user_id\":\"research-%06" PRIx64 "\"}",
                       hash >> 24);
    } else {
        size_t len = (size_t)snprintf(s->config, sizeof s->config, "{\"allowed_emails\":[");
        for (uint64_t i = 0; i < senders; i++)
            len += (size_t)snprintf(s->config + len, sizeof s->config - len,
                                    "%s\"%s@broker%d.example.com\"", i > 0 ? "," : "",
                                    pick(s, sender_names, COUNT_OF(sender_names)),
                                    (int)random_below(s, 40));
        (void)snprintf(s->config + len, sizeof s->config - len,
                       "],\"email_hash\":\"%012" PRIx64 "\",\"email\":\"%012" PRIx64
                       "@connectors.example.com\"}",
                       hash, hash);
    }
}

/* One in 13 was never synced, one in 7 failed. */
static void make_sync(struct seed *s, uint64_t i, struct record *r)
{
    int64_t after = (int64_t)random_below(s, (uint64_t)updates_us);
    int64_t count = (int64_t)random_below(s, 5000);
    const char *failure = pick(s, sync_errors, COUNT_OF(sync_errors));
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

static int make_record(void *arg, uint64_t i, struct record *r)
{
    struct seed *s = arg;
    int64_t step = span_us / (int64_t)s->n;
    int64_t created = first_us + step * (int64_t)i + (int64_t)random_below(s, (uint64_t)step);
    const uint64_t bits[2] = {next_random(s), next_random(s)};
    const char *source = pick(s, sources, COUNT_OF(sources));
    const char *topic = pick(s, topics, COUNT_OF(topics));
    bool foreign = i % 9 == 8; /* a colleague's, shared with the organisation */
    uuid_v7((uint64_t)created / 1000, bits, s->id);
    (void)snprintf(s->label, sizeof s->label, "%s - %s", source, topic);
    *r = (struct record){
        .id = s->id,
        .user_id = foreign ? "user_id_002" : "user_id_001",
        .org_id = "org_id_001",
        .label = s->label,
        .type = types[i % COUNT_OF(types)],
        .description = pick(s, descriptions, COUNT_OF(descriptions)),
        .config = s->config,
        .created_at = created,
        .updated_at = created + (int64_t)random_below(s, (uint64_t)updates_us),
        .files_count = (int64_t)random_below(s, 201),
        .share_with_org = foreign || random_below(s, 3) == 0,
        .archived = i % 10 == 5,
    };
    r->changed_at = r->updated_at;
    make_config(s, r->type);
    make_sync(s, i, r);
    return 0;
}

int seed_fill(struct store *s, uint64_t n)
{
    struct seed seed = {.n = n > 0 ? n : 1, .state = n};
    return store_fill(s, n, make_record, &seed);
}
