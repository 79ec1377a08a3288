/*
 * failing: allocations of the program fail when the test says so. For one test program, which is
 * linked with --wrap=malloc and --wrap=calloc.
 */
#ifndef BIGDATAFS_TESTS_FAILING_H
#define BIGDATAFS_TESTS_FAILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Allocations until the one that fails; with failing_all also those after it. */
static unsigned failing_in = UINT32_MAX;
static bool failing_all;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static inline bool failing_now(void)
{
    if (failing_in == UINT32_MAX)
        return false;
    if (failing_in > 0) {
        failing_in--;
        return false;
    }
    if (!failing_all)
        failing_in = UINT32_MAX;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return failing_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return failing_now() ? NULL : __real_calloc(count, size);
}

/* The allocation after so many others fails, alone. */
static inline void fail_one(unsigned after)
{
    failing_in = after;
    failing_all = false;
}

static inline void fail_all(void)
{
    failing_in = 0;
    failing_all = true;
}

static inline void fail_none(void)
{
    failing_in = UINT32_MAX;
}

/* Whether the one that was to fail was asked for. */
static inline bool has_failed(void)
{
    return failing_in == UINT32_MAX;
}

#endif
