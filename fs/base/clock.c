#include "bigdatafs/base/clock.h"

#include <stdio.h>
#include <time.h>

void clock_text_now(char text[static CLOCK_TEXT_SIZE])
{
    struct timespec now;
    struct tm tm;
    char day[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, CLOCK_TEXT_SIZE, "%s.%06ldZ", day, now.tv_nsec / 1000);
}

int64_t clock_now_s(void)
{
    return time(NULL);
}

int64_t clock_text_s(const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    return end != NULL && *end == '.' ? timegm(&tm) : 0;
}
