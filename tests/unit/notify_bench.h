/*
 * A bench for notify: a kernel in place of libfuse's functions, which keeps what it is told as
 * text, and a thread and a clock that the test drives. For one test program each.
 */
#ifndef BIGDATAFS_TESTS_NOTIFY_BENCH_H
#define BIGDATAFS_TESTS_NOTIFY_BENCH_H

#include "bigdatafs/kernel/notify.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bigdatafs/base/buf.h"
#include "bigdatafs/kernel/libfuse.h"
#include "check.h"
#include "fakes/fake_loop.h"
#include "fakes/fake_worker.h"

/* The numbers that the kernel knows directories by. */
enum { ROOT = NOTIFY_ROOT_ID, ARCHIVED = 2, VICTIM = 70, OTHER = 80 };

static const struct notify_file file = {.node = 9, .data = "abc", .size = 3};

static struct buf told;      /* what the kernel was told since the last look */
static unsigned polls_freed; /* poll handles */
static int answer_to_delete; /* to fuse_lowlevel_notify_delete */
static struct fuse_session *const session = (struct fuse_session *)&told;

PRINTF_LIKE(1, 2) static int tell(const char *fmt, ...)
{
    char text[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    CHECK_INT(buf_printf(&told, "%s%s", told.len > 0 ? ", " : "", text), 0);
    return 0;
}

int fuse_lowlevel_notify_inval_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
                                     size_t len)
{
    CHECK(se == session);
    return tell("name %u/%.*s", (unsigned)parent, (int)len, name);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 16)
int fuse_lowlevel_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
                                      size_t len)
{
#else
int fuse_lowlevel_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
                                      size_t len, enum fuse_expire_flags flags)
{
    CHECK_INT(flags, FUSE_LL_EXPIRE_ONLY);
#endif
    CHECK(se == session);
    return tell("expire %u/%.*s", (unsigned)parent, (int)len, name);
}

int fuse_lowlevel_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len)
{
    CHECK(se == session);
    CHECK_INT(len, 0);
    return tell("%s %u", off < 0 ? "inode" : "data", (unsigned)ino);
}

int fuse_lowlevel_notify_delete(struct fuse_session *se, fuse_ino_t parent, fuse_ino_t child,
                                const char *name, size_t len)
{
    CHECK(se == session);
    tell("delete %u/%.*s=%u", (unsigned)parent, (int)len, name, (unsigned)child);
    return answer_to_delete;
}

int fuse_lowlevel_notify_store(struct fuse_session *se, fuse_ino_t ino, off_t offset,
                               struct fuse_bufvec *data, enum fuse_buf_copy_flags flags)
{
    CHECK(se == session);
    CHECK(offset == 0 && flags == 0 && data->count == 1);
    return tell("store %u=%.*s", (unsigned)ino, (int)data->buf[0].size,
                (const char *)data->buf[0].mem);
}

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
    return tell("poll %d", *(const int *)ph);
}

void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
    (void)ph;
    polls_freed++;
}

/* The bench */

struct bench {
    struct loop *loop;
    struct log log;
    struct notify *notify;
    struct worker *worker;
};

static void set_up_for(struct bench *b, const char *mountpoint, dev_t device)
{
    *b = (struct bench){0};
    buf_init(&told, 1 << 20);
    answer_to_delete = 0;
    log_init(&b->log, LOG_ERR);
    CHECK_INT(loop_new(&b->loop), 0);
    CHECK_INT(notify_new(b->loop, &b->log, &b->notify), 0);
    b->worker = fake_worker_newest();
    notify_start(b->notify, session, mountpoint, device);
}

static void set_up(struct bench *b)
{
    set_up_for(b, "/nonexistent", 0);
}

static void tear_down(struct bench *b)
{
    notify_free(b->notify);
    CHECK_INT(fake_loop_timers(b->loop), 0);
    loop_free(b->loop);
    buf_free(&told);
}

static void check_told(const char *want, const char *path, int line)
{
    const char *got = told.data != NULL ? told.data : "";
    check_bytes(got, strlen(got), want, strlen(want), path, line, "what the kernel was told");
    buf_reset(&told);
}

/* What the kernel was told since the last look. */
#define CHECK_TOLD(want) check_told(want, __FILE__, __LINE__)
/* The same, once the thread has come to rest. */
#define CHECK_SENDS(b, want) (fake_worker_settle((b)->worker), check_told(want, __FILE__, __LINE__))

static void count(void *arg)
{
    (*(unsigned *)arg)++;
}

/* A removal has just ended. */
static inline void begin_pause(struct notify *n)
{
    notify_hold(n, NOTIFY_REMOVAL, VICTIM);
    notify_release(n, NOTIFY_REMOVAL);
}

#endif
