/*
 * clock_shift: preloaded into a program under test, moves its CLOCK_BOOTTIME ahead while it runs,
 * by the seconds that the file $CLOCK_SHIFT_FILE holds (an int64_t): ten minutes pass in no time.
 * To the program that is a suspend, in which CLOCK_MONOTONIC stands still.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now);

static const volatile int64_t *shift;

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("CLOCK_SHIFT_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        shift = at;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && clock == CLOCK_BOOTTIME && shift != NULL)
        now->tv_sec += *shift;
    return failed;
}
