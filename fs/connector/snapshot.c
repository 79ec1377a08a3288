#include "bigdatafs/connector/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* ---- Text to cJSON ---- */

enum { ESCAPE_LEN = 6 }; /* of \uXXXX */

/* The code unit of the \uXXXX at p, or -1. */
static int unit_at(const char *p, const char *end)
{
    int unit = 0;

    if (end - p < ESCAPE_LEN || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < ESCAPE_LEN; i++) {
        int digit;
        if (p[i] >= '0' && p[i] <= '9')
            digit = p[i] - '0';
        else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')
            digit = (p[i] | 0x20) - 'a' + 10;
        else
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Whether there may be an escape that cJSON cannot take; a needless yes costs a copy. */
static bool may_need_rewrite(const char *text, size_t len)
{
    return memchr(text, '\\', len) && memmem(text, len, "\\u", 2) &&
           (memmem(text, len, "\\u0000", 6) || memmem(text, len, "\\ud", 3) ||
            memmem(text, len, "\\uD", 3));
}

/* Copies text to out, which has room for as many bytes, and returns the copy's length. */
static size_t rewrite(const char *text, size_t len, char *out, bool *nul)
{
    const char *end = text + len;
    const char *p = text;
    char *q = out;

    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((escape ? escape : end) - p);
        memcpy(q, p, run);
        p += run;
        q += run;
        if (!escape)
            break;

        int unit = unit_at(p, end);
        bool high = unit >= 0xd800 && unit <= 0xdbff;
        int next = high ? unit_at(p + ESCAPE_LEN, end) : -1;
        size_t take = end - p < 2 ? 1 : 2; /* any other escape; its tail is ordinary bytes */
        if (unit == 0) {
            memcpy(q, "\xc0\x80", 2);
            q += 2;
            p += ESCAPE_LEN;
            *nul = true;
            continue;
        }
        if (next >= 0xdc00 && next <= 0xdfff) {
            take = 2 * ESCAPE_LEN;
            memcpy(q, p, take);
        } else if (high || (unit >= 0xdc00 && unit <= 0xdfff)) {
            take = ESCAPE_LEN;
            memcpy(q, "\\ufffd", ESCAPE_LEN);
        } else {
            memcpy(q, p, take);
        }
        p += take;
        q += take;
    }
    return (size_t)(q - out);
}

static int parse_object(const char *text, size_t len, cJSON **out)
{
    const char *rest = text;

    errno = 0; /* cJSON answers NULL for want of memory as for bad text */
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, &rest, false);
    if (!json)
        return errno == ENOMEM ? -ENOMEM : -EBADMSG;
    rest += strspn(rest, " \t\r\n");
    if (rest != text + len || !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return -EBADMSG;
    }
    *out = json;
    return 0;
}

int connector_json(const char *text, size_t len, bool *nul, cJSON **out)
{
    *nul = false;
    if (!may_need_rewrite(text, len))
        return parse_object(text, len, out);

    char *copy = malloc(len + 1);
    if (!copy)
        return -ENOMEM;
    size_t copy_len = rewrite(text, len, copy, nul);
    copy[copy_len] = '\0';
    int rc = parse_object(copy, copy_len, out);
    free(copy);
    return rc;
}

/* ---- Dates: RFC 3339 ---- */

/* Reads exactly n digits and moves *p past them; -1 when they are not there. */
static int digits(const char **p, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

static bool skip(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool in_range(int value, int low, int high)
{
    return value >= low && value <= high;
}

static bool read_date(const char **p, struct tm *tm)
{
    int year = digits(p, 4);
    if (!in_range(year, 1970, 9999) || !skip(p, '-'))
        return false;
    int month = digits(p, 2);
    if (!in_range(month, 1, 12) || !skip(p, '-'))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = digits(p, 2);
    return in_range(tm->tm_mday, 1, 31);
}

static bool read_clock(const char **p, struct tm *tm)
{
    tm->tm_hour = digits(p, 2);
    if (!in_range(tm->tm_hour, 0, 23) || !skip(p, ':'))
        return false;
    tm->tm_min = digits(p, 2);
    if (!in_range(tm->tm_min, 0, 59) || !skip(p, ':'))
        return false;
    tm->tm_sec = digits(p, 2);
    return in_range(tm->tm_sec, 0, 60); /* 60: a leap second */
}

/* An optional fraction of any length; what is finer than nanoseconds is dropped. */
static bool read_fraction(const char **p, long *nsec)
{
    long weight = 100000000;

    *nsec = 0;
    if (!skip(p, '.'))
        return true;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++, weight /= 10)
        *nsec += (**p - '0') * weight;
    return true;
}

static bool read_zone(const char **p, time_t *offset)
{
    *offset = 0;
    if (skip(p, 'Z') || skip(p, 'z'))
        return true;
    int sign = **p == '-' ? -1 : 1;
    if (!skip(p, '+') && !skip(p, '-'))
        return false;
    int hours = digits(p, 2);
    if (!in_range(hours, 0, 23) || !skip(p, ':'))
        return false;
    int minutes = digits(p, 2);
    if (!in_range(minutes, 0, 59))
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool read_time(const char *text, struct timespec *out)
{
    struct tm tm = {0};
    long nsec;
    time_t offset;
    const char *p = text;

    if (!read_date(&p, &tm) || !(skip(&p, 'T') || skip(&p, 't') || skip(&p, ' ')))
        return false;
    if (!read_clock(&p, &tm) || !read_fraction(&p, &nsec) || !read_zone(&p, &offset) || *p)
        return false;

    /* timegm turns 31 June into 1 July: such a day is not a date. */
    struct tm day = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
    timegm(&day);
    if (day.tm_mday != tm.tm_mday)
        return false;
    time_t seconds = timegm(&tm) - offset;
    if (seconds < 0)
        return false;
    *out = (struct timespec){.tv_sec = seconds, .tv_nsec = nsec};
    return true;
}

static struct timespec member_time(const cJSON *json, const char *name, struct timespec otherwise)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, name);
    struct timespec time;

    if (!cJSON_IsString(member) || !read_time(member->valuestring, &time))
        return otherwise;
    return time;
}

/* ---- Versions ---- */

/* Takes from the JSON what the program itself needs. */
static int fill(struct connector *c, const cJSON *json)
{
    /* Of members with equal names cJSON finds the first. */
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "connector_id");
    if (!cJSON_IsString(id) || !name_is_uuid(id->valuestring))
        return -EINVAL;
    memcpy(c->id, id->valuestring, sizeof(c->id));
    c->archived = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "archived"));
    struct timespec created = member_time(json, "created_at", (struct timespec){0});
    struct timespec updated = member_time(json, "updated_at", created);
    struct timespec synced = member_time(json, "last_sync_at", updated);
    c->updated_s = updated.tv_sec;
    c->updated_ns = (uint32_t)updated.tv_nsec;
    c->synced_s = synced.tv_sec;
    c->synced_ns = (uint32_t)synced.tv_nsec;
    for (const cJSON *member = json->child; member; member = member->next)
        if (cJSON_IsObject(member) && c->subdirs < UINT16_MAX)
            c->subdirs++;
    return 0;
}

struct timespec connector_updated_at(const struct connector *c)
{
    return (struct timespec){.tv_sec = c->updated_s, .tv_nsec = c->updated_ns};
}

struct timespec connector_synced_at(const struct connector *c)
{
    return (struct timespec){.tv_sec = c->synced_s, .tv_nsec = c->synced_ns};
}

int connector_parse(const char *json, size_t len, struct connector **out)
{
    bool nul;
    cJSON *parsed;

    if (len > CONNECTOR_TEXT_MAX)
        return -EFBIG;
    if (memchr(json, '\0', len)) /* cJSON takes it for white space */
        return -EBADMSG;

    struct connector *c = malloc(sizeof(*c) + len + 1);
    if (!c)
        return -ENOMEM;
    c->refs = 1;
    c->subdirs = 0;
    c->text_len = (uint32_t)len;
    memcpy(c->text, json, len);
    c->text[len] = '\0';

    int rc = connector_json(c->text, len, &nul, &parsed);
    if (rc == 0) {
        rc = fill(c, parsed);
        cJSON_Delete(parsed);
    }
    if (rc < 0) {
        free(c);
        return rc;
    }
    *out = c;
    return 0;
}

struct connector *connector_ref(struct connector *c)
{
    assert(c->refs > 0);
    c->refs++;
    return c;
}

void connector_unref(struct connector *c)
{
    if (!c)
        return;
    assert(c->refs > 0);
    if (--c->refs == 0)
        free(c);
}
