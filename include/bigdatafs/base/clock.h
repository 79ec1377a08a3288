/* clock: the time of day as the API writes it: 2026-02-11T11:01:09.574095Z. */
#ifndef BIGDATAFS_BASE_CLOCK_H
#define BIGDATAFS_BASE_CLOCK_H

enum { CLOCK_TEXT_SIZE = 64 }; /* with the NUL */

void clock_text_now(char text[static CLOCK_TEXT_SIZE]);

#endif
