/* timestamp: the time, and waiting on a condition until a monotonic time. */
#ifndef BIGDATAFS_SANDBOX_TIMESTAMP_H
#define BIGDATAFS_SANDBOX_TIMESTAMP_H

#include <pthread.h>
#include <stdint.h>

#include "compiler.h"

enum { CLOCK_NS_PER_US = 1000, CLOCK_NS_PER_MS = 1000000, CLOCK_NS_PER_S = 1000000000 };

int64_t clock_now_us(void); /* microseconds since 1970 */
int64_t clock_mono_ns(void);

/* A condition that clock_wait can wait on. */
int clock_cond_init(pthread_cond_t *cond) MUST_CHECK;

/* Returns when signalled, at mono_ns, or sooner: look again. */
void clock_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t mono_ns);

#endif
