/* The log and its thread. Nothing sleeps: each line waits at a gate until the test lets it through,
 * or in a pipe that nobody reads. */
#include "bigdatafs/base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "log_queue.h"

enum { LONG_MS = 60000, LINES_MAX = LOG_QUEUE_MAX + 16 };

static int reached[2]; /* a byte for each line that the thread has come to */
static int gate[2];    /* a byte lets one line through */
static char written[LINES_MAX][64];
static unsigned written_count; /* the thread's, until a flush */

static void write_at_gate(bool to_syslog, int priority, const char *text)
{
    char byte = 0;
    if (write(reached[1], &byte, 1) == 1 && read(gate[0], &byte, 1) == 1 &&
        written_count < LINES_MAX)
        snprintf(written[written_count++], sizeof written[0], "%d %d %s", to_syslog, priority,
                 text);
}

static void let_through(unsigned lines)
{
    char byte = 0;
    for (unsigned i = 0; i < lines; i++)
        CHECK_INT(write(gate[1], &byte, 1), 1);
}

static void await_reached(void)
{
    char byte;
    CHECK_INT(read(reached[0], &byte, 1), 1);
}

static struct log_queue *set_up(void)
{
    struct log_queue *q = NULL;
    written_count = 0;
    CHECK_INT(pipe(reached), 0);
    CHECK_INT(pipe(gate), 0);
    CHECK_INT(log_queue_start(write_at_gate, &q), 0);
    return q;
}

static void close_pipes(void)
{
    for (int i = 0; i < 2; i++) {
        close(reached[i]);
        close(gate[i]);
    }
}

static void put_numbers(struct log_queue *q, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof text, "line %u", i);
        log_queue_put(q, false, LOG_INFO, text);
    }
}

static void test_lines_are_written_in_their_order(void)
{
    struct log_queue *q = set_up();
    log_queue_put(q, false, LOG_ERR, "first");
    log_queue_put(q, true, LOG_DEBUG, "second");
    log_queue_put(q, false, LOG_INFO, "third");
    let_through(3);
    log_queue_flush(q, LONG_MS);
    CHECK_INT(written_count, 3);
    CHECK_STR(written[0], "0 3 first");
    CHECK_STR(written[1], "1 7 second");
    CHECK_STR(written[2], "0 6 third");
    CHECK_INT(log_queue_lost(q), 0);
    log_queue_stop(q, LONG_MS);
    close_pipes();
}

static void test_a_stop_writes_what_is_left(void)
{
    struct log_queue *q = set_up();
    put_numbers(q, 0, 5);
    let_through(5);
    log_queue_stop(q, LONG_MS);
    CHECK_INT(written_count, 5);
    CHECK_STR(written[4], "0 6 line 4");
    close_pipes();
}

static void test_what_is_lost_is_said_at_the_end(void)
{
    struct log_queue *q = set_up();
    put_numbers(q, 0, 1);
    await_reached(); /* it waits at the gate, the others behind it */
    put_numbers(q, 1, LOG_QUEUE_MAX + 4);
    CHECK_INT(log_queue_lost(q), 3);
    log_queue_flush(q, 1); /* nothing comes of it, and it does not last */
    let_through(LOG_QUEUE_MAX + 2);
    log_queue_flush(q, LONG_MS);
    CHECK_INT(written_count, LOG_QUEUE_MAX + 2);
    char last[64];
    snprintf(last, sizeof last, "0 6 line %d", LOG_QUEUE_MAX);
    CHECK_STR(written[LOG_QUEUE_MAX], last);
    CHECK_STR(written[LOG_QUEUE_MAX + 1],
              "0 4 3 lines of the log were lost: nobody took them in time");
    CHECK_INT(log_queue_lost(q), 3);
    log_queue_stop(q, LONG_MS);
    close_pipes();
}

static void test_what_is_lost_is_said_in_its_place(void)
{
    struct log_queue *q = set_up();
    put_numbers(q, 0, 1);
    await_reached();
    put_numbers(q, 1, LOG_QUEUE_MAX + 3);
    let_through(1);
    await_reached(); /* one was taken: there is room for one */
    log_queue_put(q, true, LOG_INFO, "after");
    let_through(LOG_QUEUE_MAX + 2);
    log_queue_flush(q, LONG_MS);
    CHECK_INT(written_count, LOG_QUEUE_MAX + 3);
    CHECK_STR(written[LOG_QUEUE_MAX + 1],
              "1 4 2 lines of the log were lost: nobody took them in time");
    CHECK_STR(written[LOG_QUEUE_MAX + 2], "1 6 after");
    log_queue_stop(q, LONG_MS);
    close_pipes();
}

static void test_a_stop_does_not_wait_for_a_line_that_nobody_takes(void)
{
    struct log_queue *q = set_up();
    put_numbers(q, 0, 3);
    await_reached();
    log_queue_stop(q, 1);
    CHECK_INT(written_count, 0);
    /* The thread still waits at the gate, whose pipes stay open for it. */
}

/* With stderr a pipe: full unless it is to be empty. */
static int redirect_stderr(int fds[2], bool full)
{
    int saved = dup(STDERR_FILENO);
    CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
    while (full && write(fds[1], "full full full f", 16) == 16)
        ;
    CHECK_INT(fcntl(fds[1], F_SETFL, 0), 0); /* whoever writes to it now blocks */
    dup2(fds[1], STDERR_FILENO);
    return saved;
}

static void restore_stderr(int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void test_a_full_stderr_holds_nobody(void)
{
    struct log l;
    int fds[2], saved = redirect_stderr(fds, true);
    log_init(&l, LOG_INFO);
    int err = log_start(&l);
    for (int i = 0; i < 2 * LOG_QUEUE_MAX; i++)
        log_info(&l, "line %d", i);
    uint64_t lost = log_lost(&l);
    close(fds[0]); /* who waits for room in the pipe is told that it is broken */
    log_stop(&l);
    restore_stderr(saved);
    close(fds[1]);
    CHECK_INT(err, 0);
    CHECK(lost >= LOG_QUEUE_MAX - 1);
}

/* Before the thread is there a line is written when log_line returns. */
static void test_lines_on_stderr(void)
{
    struct log l;
    int fds[2], saved = redirect_stderr(fds, false);
    log_init(&l, LOG_INFO);
    log_warning(&l, "at %s", "once");
    char bytes[256];
    ssize_t first = read(fds[0], bytes, sizeof bytes);
    log_stop(&l); /* without a thread there is nothing to stop */
    int err = log_start(&l);
    log_debug(&l, "nobody wants it");
    log_info(&l, "from the\nservice");
    log_error(&l, "the last");
    log_stop(&l);
    ssize_t rest = read(fds[0], bytes + first, sizeof bytes - (size_t)first);
    restore_stderr(saved);
    CHECK_INT(err, 0);
    CHECK_BYTES(bytes, (size_t)first, "bigdatafs: warning: at once\n", 28);
    CHECK_BYTES(bytes + first, (size_t)rest,
                "bigdatafs: info: from the?service\nbigdatafs: error: the last\n", 61);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_lines_are_written_in_their_order();
    test_a_stop_writes_what_is_left();
    test_what_is_lost_is_said_at_the_end();
    test_what_is_lost_is_said_in_its_place();
    test_lines_on_stderr();
    test_a_full_stderr_holds_nobody();
    test_a_stop_does_not_wait_for_a_line_that_nobody_takes();
    return check_report();
}
