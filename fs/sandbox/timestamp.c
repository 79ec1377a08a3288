#include "timestamp.h"

#include <time.h>

int64_t clock_now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / CLOCK_NS_PER_US;
}

int64_t clock_mono_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * CLOCK_NS_PER_S + t.tv_nsec;
}

int clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    int err = -pthread_condattr_init(&attr);
    if (err < 0)
        return err;
    err = -pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (err == 0)
        err = -pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return err;
}

void clock_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t mono_ns)
{
    struct timespec until = {.tv_sec = (time_t)(mono_ns / CLOCK_NS_PER_S),
                             .tv_nsec = (long)(mono_ns % CLOCK_NS_PER_S)};
    (void)pthread_cond_timedwait(cond, mutex, &until);
}
