#include "date.h"

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

/* Reads an optional fraction of any length. Digits past the ninth have the weight 0. */
static bool read_fraction(const char **p, long *nsec)
{
    *nsec = 0;
    if (!skip(p, '.'))
        return true;
    if (**p < '0' || **p > '9')
        return false;
    for (long weight = 100000000; **p >= '0' && **p <= '9'; (*p)++, weight /= 10)
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

/* timegm turns 31 June into 1 July: a day that it changes is not in the calendar. */
static bool is_in_calendar(const struct tm *tm)
{
    struct tm day = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday};
    timegm(&day);
    return day.tm_mday == tm->tm_mday;
}

bool date_parse(const char *text, struct timespec *out)
{
    const char *p = text;
    struct tm tm = {0};
    if (!read_date(&p, &tm) || !is_in_calendar(&tm))
        return false;
    if (!skip(&p, 'T') && !skip(&p, 't') && !skip(&p, ' '))
        return false;
    long nsec;
    time_t offset;
    if (!read_clock(&p, &tm) || !read_fraction(&p, &nsec) || !read_zone(&p, &offset) || *p != '\0')
        return false;
    time_t seconds = timegm(&tm) - offset;
    if (seconds < 0)
        return false;
    *out = (struct timespec){.tv_sec = seconds, .tv_nsec = nsec};
    return true;
}
