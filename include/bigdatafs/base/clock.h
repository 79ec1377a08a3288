/* clock: the time of day as the API writes it: 2026-02-11T11:01:09.574095Z. */
#ifndef BIGDATAFS_BASE_CLOCK_H
#define BIGDATAFS_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 64 }; /* with the NUL */

void clock_text_now(char text[static CLOCK_TEXT_SIZE]);
/* The time of day in seconds since 1970. */
int64_t clock_now_s(void);
/* The same of what clock_text_now wrote; 0 for any other text. */
int64_t clock_text_s(const char *text);

#endif
