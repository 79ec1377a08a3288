/* A sandbox that cannot be started for want of memory says so: each allocation fails once. */
#include "sandbox_child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bigdatafs/base/sentence.h"
#include "check.h"

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

static unsigned fails_at, allocations; /* the test program is one thread */

void *__wrap_calloc(size_t count, size_t size)
{
    return ++allocations == fails_at ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return ++allocations == fails_at ? NULL : __real_strdup(text);
}

static void test_no_memory_is_said(unsigned nth)
{
    struct sandbox_child *s = NULL;
    char error[SENTENCE_MAX] = "";
    allocations = 0;
    fails_at = nth;
    int err = sandbox_child_start("/nonexistent/database", &s, error, sizeof error);
    fails_at = 0;
    CHECK(allocations >= nth); /* the fault fired */
    CHECK_INT(err, -ENOMEM);
    CHECK_STR(error, strerror(ENOMEM));
    CHECK(s == NULL);
}

int main(void)
{
    test_no_memory_is_said(1);
    test_no_memory_is_said(2);
    test_no_memory_is_said(3);
    return check_report();
}
