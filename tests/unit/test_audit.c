/* The audit log: whole lines or none, and what waits shares the next write. */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "deletion_bench.h"
#include "follow.h"

#define ARCHIVE REQUEST_ARCHIVE
#define HARD REQUEST_FORCE_DELETE

enum { FAULTS_MIN = 15 }; /* an intent has so many members alone */

/* The allocation of cJSON that fails, counted from 1; 0: none, and how many there were. */
static unsigned fail_at, allocations;

/* The disk, in place of the C library's: how often it was waited for, and what it answers. */
static unsigned syncs;
static int sync_errno;

int fdatasync(int fd)
{
    (void)fd;
    syncs++;
    errno = sync_errno;
    return sync_errno == 0 ? 0 : -1;
}

static void *allocate(size_t size)
{
    allocations++;
    return allocations == fail_at ? NULL : malloc(size);
}

static void fail_allocation(unsigned n)
{
    fail_at = n;
    allocations = 0;
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = allocate, .free_fn = free});
}

/* Whether the allocation that was to fail was asked for. */
static bool end_of_faults(void)
{
    cJSON_InitHooks(NULL);
    return allocations >= fail_at;
}

static void check_refused(struct bench *b)
{
    struct connector *connector = connector_of(b, 1);
    CHECK_STR(story(b), "");
    CHECK_INT(deletes(b), 0);
    CHECK_INT(connector->progress, PROGRESS_IDLE);
    CHECK_INT(connector->pins, 0);
    CHECK_INT(deletions_under_way(b->deletions), 0);
}

/* Whichever allocation fails: there is no intent, so nothing is sent. */
static void test_an_intent_is_whole_or_nothing_is_sent(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    unsigned n = 0;
    set_up(&b);
    add_connector(&b, 1);
    for (;;) {
        fail_allocation(++n);
        int err = try_start(&b, HARD, 1, &w, &x);
        if (!end_of_faults()) {
            CHECK_INT(err, 0);
            break;
        }
        CHECK_INT(err, -ENOMEM);
        check_refused(&b);
        CHECK_INT(w.ended, 0);
    }
    CHECK(n > FAULTS_MIN);
    CHECK_STR(story(&b), "intent force_delete 1\n");
    CHECK_INT(deletes(&b), 1);
    CHECK_INT(deletions_stats(b.deletions)->refused, n - 1);
    tear_down(&b);
}

/* The DELETE was carried out: who waits is told, and the log has the line or does not. */
static void test_an_outcome_is_whole_or_absent(void)
{
    unsigned n = 0, faults = 0;
    for (bool fired = true; fired; faults += fired) {
        struct bench b;
        struct waiting w;
        set_up(&b);
        start(&b, ARCHIVE, 1, &w);
        struct api_result done = {.status = 403, .err = -EACCES};
        fail_allocation(++n);
        fake_api_answer(asked(&b, FAKE_ARCHIVE), done);
        fired = end_of_faults();
        CHECK_STR(story(&b), fired ? "intent archive 1\n"
                                   : "intent archive 1\noutcome archive 1 failed EACCES 403 1\n");
        CHECK_INT(w.ended, 1);
        CHECK_INT(w.err, -EACCES);
        CHECK_INT(deletions_under_way(b.deletions), 0);
        tear_down(&b);
    }
    CHECK(faults > FAULTS_MIN);
}

static void test_a_resolved_line_is_whole_or_absent(void)
{
    unsigned n = 0, faults = 0;
    for (bool fired = true; fired; faults += fired) {
        struct bench b;
        struct waiting w;
        set_up(&b);
        start(&b, HARD, 1, &w);
        fake_api_answer(asked(&b, FAKE_FORCE_DELETE), (struct api_result){.status = 202});
        pass(&b, FOLLOW_FIRST_MS);
        answer_status(&b, FAKE_GET, 404);
        pass(&b, API_GONE_AGAIN_MS);
        struct api_op *look = asked(&b, FAKE_GET);
        fail_allocation(++n);
        fake_api_answer_status(look, 404);
        fired = end_of_faults();
        CHECK((strstr(story(&b), "resolved force_delete 1 gone\n") == NULL) == fired);
        CHECK(!connector_exists(connector_of(&b, 1)));
        tear_down(&b);
    }
    CHECK(faults > FAULTS_MIN / 2);
}

static void test_lines_that_come_during_a_write_share_the_next(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    syncs = 0;
    for (unsigned i = 1; i <= 5; i++) {
        add_connector(&b, i);
        CHECK_INT(try_start(&b, ARCHIVE, i, &w, &x), 0);
        if (i == 1)
            CHECK(fake_worker_run(b.writer));
    }
    CHECK_INT(deletes(&b), 0);
    CHECK_INT(fake_worker_queued(b.writer), 0);
    CHECK(fake_worker_finish(b.writer));
    CHECK_INT(deletes(&b), 1);
    CHECK_INT(fake_worker_queued(b.writer), 1);
    CHECK(fake_worker_run(b.writer));
    CHECK(fake_worker_finish(b.writer));
    CHECK_INT(deletes(&b), 5);
    CHECK_INT(syncs, 2);
    CHECK_STR(story(&b), "intent archive 1\nintent archive 2\nintent archive 3\n"
                         "intent archive 4\nintent archive 5\n");
    tear_down(&b);
}

static void test_an_intent_that_is_not_on_the_disk_is_none(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    add_connector(&b, 1);
    syncs = 0;
    sync_errno = EIO;
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    CHECK(fake_worker_run(b.writer));
    sync_errno = 0;
    CHECK(fake_worker_finish(b.writer));
    CHECK_INT(syncs, 1);
    CHECK_STR(story(&b), "intent force_delete 1\noutcome force_delete 1 failed EIO 0 0\n");
    CHECK_INT(w.err, -EIO);
    CHECK_INT(deletes(&b), 0);
    CHECK_INT(syncs, 1); /* an outcome need not be waited for */
    tear_down(&b);
}

/* What came while the last batch was written, and nobody ran since, is written at the end. */
static void test_the_end_writes_what_waits(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    start(&b, ARCHIVE, 2, &w);
    deletions_stop(b.deletions);
    CHECK(fake_worker_run(b.writer)); /* the first outcome; the second waits */
    restart(&b);
    CHECK_STR(story(&b), "intent archive 1\nintent archive 2\n"
                         "outcome archive 1 unknown EIO 0 1\noutcome archive 2 unknown EIO 0 1\n");
    tear_down(&b);
}

/* The disk is full in the middle of a line: it is taken back, and the next one is whole. */
static void test_a_line_that_does_not_fit_is_taken_back(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    struct rlimit old, limit;
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    set_up(&b);
    add_connector(&b, 1);
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), 0);
    limit = old;
    limit.rlim_cur = 100;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK(fake_worker_run(b.writer));
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &old), 0);
    CHECK(fake_worker_finish(b.writer));
    CHECK_STR(story(&b), "outcome force_delete 1 failed EIO 0 0\n");
    CHECK_INT(w.err, -EIO);
    CHECK_INT(deletes(&b), 0);
    start(&b, HARD, 2, &w);
    CHECK_STR(story(&b), "outcome force_delete 1 failed EIO 0 0\nintent force_delete 2\n");
    CHECK_INT(deletes(&b), 1);
    tear_down(&b);
}

static void test_no_file(void)
{
    struct bench b;
    struct waiting w;
    struct deletion *x;
    set_up(&b);
    bench_free_parts(&b);
    CHECK_INT(unlink(b.path), 0);
    snprintf(b.path, sizeof b.path, "/dev/null");
    bench_parts(&b, &(struct deletion_options){0});
    add_connector(&b, 1);
    CHECK_INT(audit_state(b.audit), -EINVAL); /* what is no file keeps nothing */
    CHECK_INT(try_start(&b, HARD, 1, &w, &x), -EIO);
    struct audit_record record = {.op = HARD};
    CHECK_INT(audit_intent(b.audit, &record, NULL, on_end, &w), -EINVAL);
    CHECK_INT(deletes(&b), 0);
    deletions_recover(b.deletions);
    bench_free_parts(&b);
    free(b.story);
}

static void write_file(const struct bench *b, const char *text)
{
    FILE *f = fopen(b->path, "ae");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* What other services' mounts, a torn line and strangers wrote is passed over. */
static void test_recovery_takes_its_own_lines_alone(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    start(&b, ARCHIVE, 1, &w);
    answer_object(&b, FAKE_ARCHIVE, object_of(&b, 1, true, 0));
    settle(&b);
    start(&b, HARD, 2, &w);
    settle(&b);
    write_file(&b, "no JSON\n{\"event\":\"intent\",\"key\":\"1-1\",\"op\":\"archive\",\"id\":"
                   "\"019a9612-bfad-758c-884e-000000000003\",\"source\":\"https://other\"}\n"
                   "{\"event\":\"intent\",\"key\":\"1-2\",\"op\":\"archive\",\"id\":\"../..\","
                   "\"source\":\"" SOURCE "\"}\n"
                   "{\"event\":\"intent\",\"key\":\"1-3\",\"op\":\"archive\",\"id\":\"019a9612");
    bench_free_parts(&b);
    bench_parts(&b, &(struct deletion_options){0});
    deletions_recover(b.deletions);
    fake_loop_settle(b.loop);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 1);
    CHECK(strstr(fake_api_id(asked(&b, FAKE_GET)), "000000000002") != NULL);
    tear_down(&b);
}

/* Two mounts share the file: each leaves alone what the other has under way. */
static void test_recovery_leaves_those_of_a_run_that_lives(void)
{
    struct bench b, other;
    struct waiting w;
    set_up(&b);
    start(&b, HARD, 1, &w);
    other = b;
    bench_parts(&other, &(struct deletion_options){0});
    deletions_recover(other.deletions);
    settle(&other);
    CHECK_INT(fake_api_count(other.api, FAKE_GET), 0);
    bench_free_parts(&other);
    tear_down(&b);
}

/* Ends in the opposite order are found by their keys: a search from end to end took many seconds.
 */
static void test_recovery_of_many_is_quick(void)
{
    enum { MANY = 60000, CPU_S = 5 };
    static const char id[] = "019a9612-bfad-758c-884e-000000000003";
    struct bench b;
    set_up(&b);
    FILE *f = fopen(b.path, "ae");
    CHECK(f != NULL);
    for (unsigned i = 1; i <= MANY; i++)
        fprintf(f,
                "{\"event\":\"intent\",\"key\":\"1-%u\",\"id\":\"%s\",\"source\":\"" SOURCE "\"}\n",
                i, id);
    for (unsigned i = MANY; i >= 1; i--)
        fprintf(f, "{\"event\":\"outcome\",\"key\":\"1-%u\",\"result\":\"failed\"}\n", i);
    CHECK_INT(fclose(f), 0);
    clock_t start_at = clock();
    deletions_recover(b.deletions);
    CHECK((clock() - start_at) / CLOCKS_PER_SEC < CPU_S);
    settle(&b);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 0);
    tear_down(&b);
}

/* A run that was killed while it wrote: its half line takes no other with it. */
static void test_a_torn_line_swallows_no_other(void)
{
    struct bench b;
    struct waiting w;
    set_up(&b);
    CHECK(!audit_is_torn(b.audit));
    bench_free_parts(&b);
    write_file(&b, "{\"event\":\"intent\",\"key\":\"1-3\",\"op\":\"arch");
    bench_parts(&b, &(struct deletion_options){0});
    CHECK(audit_is_torn(b.audit));
    start(&b, HARD, 2, &w);
    restart(&b);
    CHECK(!audit_is_torn(b.audit));
    deletions_recover(b.deletions);
    settle(&b);
    CHECK_INT(fake_api_count(b.api, FAKE_GET), 1);
    write_file(&b, "{\"half");
    start(&b, HARD, 3, &w);
    CHECK(audit_is_torn(b.audit));
    tear_down(&b);
}

/* Renamed, and copied and truncated: what is open is in the file that follows. */
static void test_what_is_open_is_carried_over(void)
{
    for (unsigned truncate_it = 0; truncate_it < 2; truncate_it++) {
        struct bench b;
        struct waiting w;
        char old[80];
        set_up(&b);
        start(&b, HARD, 1, &w);
        answer_object(&b, FAKE_FORCE_DELETE, NULL);
        start(&b, ARCHIVE, 2, &w);
        settle(&b);
        snprintf(old, sizeof old, "%s.1", b.path);
        CHECK_INT(truncate_it != 0 ? truncate(b.path, 0) : rename(b.path, old), 0);
        start(&b, ARCHIVE, 3, &w);
        CHECK_INT(deletes(&b), 3);
        unlink(old);
        restart(&b);
        deletions_recover(b.deletions);
        settle(&b);
        CHECK_INT(fake_api_count(b.api, FAKE_GET), 3);
        tear_down(&b);
    }
}

int main(void)
{
    test_what_is_open_is_carried_over();
    test_a_torn_line_swallows_no_other();
    test_recovery_of_many_is_quick();
    test_an_intent_is_whole_or_nothing_is_sent();
    test_an_outcome_is_whole_or_absent();
    test_a_resolved_line_is_whole_or_absent();
    test_lines_that_come_during_a_write_share_the_next();
    test_an_intent_that_is_not_on_the_disk_is_none();
    test_the_end_writes_what_waits();
    test_a_line_that_does_not_fit_is_taken_back();
    test_no_file();
    test_recovery_takes_its_own_lines_alone();
    test_recovery_leaves_those_of_a_run_that_lives();
    return check_report();
}
