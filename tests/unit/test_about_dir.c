/* The files of .bigdatafs. */
#include "bigdatafs/inode/about_dir.h"

#include <errno.h>

#include "bigdatafs/base/buf.h"
#include "inode_bench.h"

struct teller {
    unsigned rendered;
    int err;
};

static const char *report_name(uint32_t file)
{
    return file == 0 ? "status" : "errors";
}

static int render(void *arg, uint32_t file, struct buf *to)
{
    struct teller *t = arg;
    t->rendered++;
    return t->err < 0 ? t->err : buf_printf(to, "%s %u\n", report_name(file), t->rendered);
}

static void set_up_reports(struct bench *b, struct teller *t)
{
    struct node_reports reports = {.count = 2, .name = report_name, .render = render, .arg = t};
    *t = (struct teller){0};
    set_up_with(b, 1);
    nodes_set_reports(b->nodes, &reports);
}

static void test_reports_are_rendered_anew(void)
{
    struct bench b;
    struct teller t;
    set_up_reports(&b, &t);
    struct node *about = look(&b, root(&b), ".bigdatafs");
    struct node *first = look(&b, about, "status"), *second = look(&b, about, "status");
    CHECK(first != second && node_ino(first) == node_ino(second));
    CHECK(reads_as(first, "status 1\n") && reads_as(second, "status 2\n"));
    CHECK_INT(attr(&b, first).st_size, 9);
    CHECK_INT((int)nodes_entry_timeout(b.nodes, first), 0);
    struct node *errors = look(&b, about, "errors");
    CHECK(node_ino(errors) != node_ino(first) && reads_as(errors, "errors 3\n"));
    t.err = -EFBIG;
    CHECK_INT(look_fails(&b, about, "errors"), -EFBIG);
    CHECK_INT(look_fails(&b, about, "error"), -ENOENT);
    forget(&b, first);
    forget(&b, second);
    forget(&b, errors);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

static bool collect(void *arg, const struct node_child *child)
{
    char *names = arg;
    size_t len = strlen(names);
    snprintf(names + len, 256 - len, "%s ", child->name);
    CHECK(child->node == NULL || strcmp(child->name, "refresh") == 0);
    CHECK(!child->is_dir);
    return true;
}

static void test_the_listing(void)
{
    struct bench b;
    struct teller t;
    char names[256] = "";
    set_up_reports(&b, &t);
    struct node *about = look(&b, root(&b), ".bigdatafs");
    struct node_listing request = {.with_nodes = true, .child = collect, .arg = names};
    CHECK_INT(nodes_list(b.nodes, about, &request), 0);
    CHECK_STR(names, "refresh archive force_delete status errors ");
    CHECK_INT(t.rendered, 0);
    tear_down(&b);
}

static void test_bulk_files(void)
{
    struct bench b;
    struct requester who = {.pid = 1};
    struct teller t;
    set_up_reports(&b, &t);
    struct node *about = look(&b, root(&b), ".bigdatafs");
    struct node *archive = look(&b, about, "archive"), *other = look(&b, about, "archive");
    struct node *force_delete = look(&b, about, "force_delete");
    CHECK(archive != other); /* each open goes on by itself */
    CHECK_INT(nodes_bulk(archive)->op, REQUEST_ARCHIVE);
    CHECK_INT(nodes_bulk(force_delete)->op, REQUEST_FORCE_DELETE);
    CHECK_STR(nodes_bulk(force_delete)->name, "force_delete");
    CHECK_INT(attr(&b, archive).st_mode, S_IFREG | 0600);
    CHECK(reads_as(archive, ""));
    struct command_lines lines = {.next = 5, .len = 4};
    nodes_bulk_written(b.nodes, archive, &lines, &who);
    CHECK_INT(nodes_bulk(archive)->lines.next, 5);
    CHECK_INT(nodes_bulk(other)->lines.next, 0);
    CHECK_INT(fake_told_name(b.notify, TOLD_NAME, id(&b, about), "archive"), 1);
    lines.len = 0; /* at the end of a line */
    nodes_bulk_written(b.nodes, other, &lines, &who);
    CHECK_INT(fake_told_all(b.notify), 1);
    unsigned entries = (unsigned)journal_count(b.journal);
    forget(&b, other);
    forget(&b, force_delete);
    CHECK_INT(journal_count(b.journal), entries);
    forget(&b, archive); /* in the middle of a line, and closed */
    CHECK_INT(journal_count(b.journal), entries + 1);
    CHECK_INT(alive(&b), 0);
    tear_down(&b);
}

struct closed {
    unsigned count;
    uuid_text id;
    enum request_op op;
    pid_t pid;
};

static void on_closed(void *arg, const struct bulk_file *file, const char *id)
{
    struct closed *c = arg;
    c->count++;
    c->op = file->op;
    c->pid = file->who.pid;
    snprintf(c->id, sizeof c->id, "%s", id);
}

/* Closed behind a whole id, the file is told to have been meant like that; what was given up, and
 * what is open when the mount ends, is not. */
static void test_a_last_id_is_told_at_the_close(void)
{
    struct bench b;
    struct teller t;
    set_up_reports(&b, &t);
    struct closed closed = {0};
    struct bulk_closed hook = {.done = on_closed, .arg = &closed};
    nodes_on_bulk_closed(b.nodes, &hook);
    struct node *about = look(&b, root(&b), ".bigdatafs");
    struct node *first = look(&b, about, "force_delete"), *second = look(&b, about, "archive");
    struct node *third = look(&b, about, "archive"), *open = look(&b, about, "archive");
    struct requester who = {.pid = 77};
    struct command_lines lines = {.next = 73, .len = UUID_LEN};
    memcpy(lines.line, id_of(5), UUID_LEN);
    nodes_bulk_written(b.nodes, first, &lines, &who);
    nodes_bulk_written(b.nodes, second, &lines, &who);
    nodes_bulk_written(b.nodes, open, &lines, &who);
    lines.len = 20; /* in the middle of an id */
    nodes_bulk_written(b.nodes, third, &lines, &who);
    unsigned entries = (unsigned)journal_count(b.journal);
    forget(&b, first);
    CHECK_INT(closed.count, 1);
    CHECK_STR(closed.id, id_of(5));
    CHECK_INT(closed.op, REQUEST_FORCE_DELETE);
    CHECK_INT(closed.pid, 77);
    nodes_bulk_give_up(second);
    forget(&b, second);
    forget(&b, third);
    CHECK_INT(closed.count, 1);
    CHECK_INT(journal_count(b.journal), entries + 1);
    tear_down(&b);
    CHECK_INT(closed.count, 1);
}

static bool journal_has(const struct bench *b, const char *words)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    CHECK_INT(journal_render(b->journal, &text), 0);
    CHECK_INT(buf_printf(&text, "%c", 0), 0);
    size_t len;
    char *all = buf_steal(&text, &len);
    bool has = strstr(all, words) != NULL;
    free(all);
    return has;
}

static void test_a_line_that_no_write_ends(void)
{
    struct bench b;
    struct requester who = {.pid = 1};
    struct teller t;
    set_up_reports(&b, &t);
    struct node *about = look(&b, root(&b), ".bigdatafs");
    struct node *archive = look(&b, about, "archive"), *other = look(&b, about, "archive");
    struct command_lines lines = {.next = 73, .len = UUID_LEN};
    memcpy(lines.line, id_of(5), UUID_LEN);
    nodes_bulk_written(b.nodes, archive, &lines, &who);
    nodes_bulk_written(b.nodes, other, &lines, &who);
    unsigned entries = (unsigned)journal_count(b.journal);
    nodes_bulk_give_up(other); /* the next write told */
    forget(&b, other);
    CHECK_INT(journal_count(b.journal), entries);
    CHECK(!journal_has(&b, id_of(5)));
    forget(&b, archive);
    CHECK_INT(journal_count(b.journal), entries + 1);
    CHECK(journal_has(&b, id_of(5)) && journal_has(&b, "no newline: nothing was sent for it"));
    tear_down(&b);
}

int main(void)
{
    test_reports_are_rendered_anew();
    test_the_listing();
    test_bulk_files();
    test_a_line_that_no_write_ends();
    test_a_last_id_is_told_at_the_close();
    return check_report();
}
