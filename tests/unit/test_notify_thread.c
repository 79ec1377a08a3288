/* Notifications with the thread that sends them, while requests hold and release locks. The kernel
 * counts what it is told; whether the thread may touch what it touches is ThreadSanitizer's to say.
 */
#include "bigdatafs/kernel/notify.h"

#include <stdatomic.h>

#include "bigdatafs/kernel/libfuse.h"
#include "check.h"

enum { ROUNDS = 300, ARCHIVED = 2, FIRST_VICTIM = 100, VICTIMS = 3 };

static atomic_uint names, inodes, stored; /* what the kernel was told */

int fuse_lowlevel_notify_inval_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
                                     size_t len)
{
    (void)se, (void)parent;
    atomic_fetch_add(&names, len == strlen(name));
    return 0;
}

int fuse_lowlevel_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len)
{
    (void)se, (void)ino, (void)off, (void)len;
    atomic_fetch_add(&inodes, 1);
    return 0;
}

int fuse_lowlevel_notify_store(struct fuse_session *se, fuse_ino_t ino, off_t offset,
                               struct fuse_bufvec *data, enum fuse_buf_copy_flags flags)
{
    (void)se, (void)ino, (void)offset, (void)flags;
    atomic_fetch_add(&stored, data->buf[0].size);
    return 0;
}

struct bench {
    struct loop *loop;
    struct notify *notify;
    struct loop_timer turn;
    unsigned rounds, stores_done;
    struct notify_file file;
};

static void on_stored(void *arg)
{
    ((struct bench *)arg)->stores_done++;
}

/* A request comes or goes in each round, and something of each kind is posted. */
static void on_turn(void *arg)
{
    struct bench *b = arg;
    loop_timer_set(b->loop, &b->turn, 0);
    if (b->rounds == ROUNDS) {
        if (notify_waiting(b->notify) == 0)
            loop_stop(b->loop);
        return;
    }
    uint64_t victim = FIRST_VICTIM + b->rounds % VICTIMS;
    enum notify_lock lock = b->rounds / 2 % 2 == 0 ? NOTIFY_REMOVAL : NOTIFY_LISTS;
    notify_deleted(b->notify, ARCHIVED, 0, "archived"); /* no pause is waited for */
    if (b->rounds % 2 == 0)
        notify_hold(b->notify, lock, lock == NOTIFY_REMOVAL ? victim : 0);
    notify_name(b->notify, victim, "victim's");
    notify_inode(b->notify, victim, true);
    notify_store(b->notify, &b->file, 1, on_stored, b);
    if (b->rounds % 2 == 1)
        notify_release(b->notify, lock);
    b->rounds++;
}

int main(void)
{
    struct bench b = {.file = {.node = 9, .data = "abc", .size = 3}};
    struct log log;
    log_init(&log, LOG_ERR);
    CHECK_INT(loop_new(&b.loop), 0);
    CHECK_INT(notify_new(b.loop, &log, &b.notify), 0);
    notify_start(b.notify, (struct fuse_session *)&b, "/nonexistent", 0);
    loop_timer_init(&b.turn, on_turn, &b);
    loop_timer_set(b.loop, &b.turn, 0);
    CHECK_INT(loop_run(b.loop), 0);
    CHECK_INT(names, 2 * ROUNDS);
    CHECK_INT(inodes, ROUNDS);
    CHECK_INT(stored, 3 * ROUNDS);
    CHECK_INT(b.stores_done, ROUNDS);
    loop_timer_clear(&b.turn);
    notify_free(b.notify);
    loop_free(b.loop);
    return check_report();
}
