#include "bigdatafs/base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

static void test_append(void)
{
    struct buf b;
    buf_init(&b, 100);
    CHECK(b.data == NULL);
    CHECK_INT(buf_append(&b, "ab\0c", 4), 0);
    CHECK_INT(buf_puts(&b, "de"), 0);
    CHECK_INT(buf_printf(&b, "%d-%s", 42, "x"), 0);
    CHECK_BYTES(b.data, b.len, "ab\0cde42-x", 10);
    CHECK_INT(b.data[b.len], 0);
    buf_free(&b);
    CHECK(b.data == NULL && b.len == 0);
    CHECK_INT(buf_puts(&b, "again"), 0);
    CHECK_STR(b.data, "again");
    buf_free(&b);
}

static void test_append_nothing(void)
{
    struct buf b;
    buf_init(&b, 0);
    CHECK_INT(buf_append(&b, NULL, 0), 0);
    CHECK_BYTES(b.data, b.len, "", 0);
    CHECK_INT(buf_puts(&b, "x"), -EFBIG);
    buf_free(&b);
}

static void test_maximum(void)
{
    char bytes[200];
    struct buf b;
    memset(bytes, 'x', sizeof(bytes));
    buf_init(&b, 100);
    CHECK_INT(buf_append(&b, bytes, 101), -EFBIG);
    CHECK_INT(buf_append(&b, bytes, 99), 0);
    CHECK_INT(buf_append(&b, "yz", 2), -EFBIG);
    CHECK_INT(buf_printf(&b, "%s", "yz"), -EFBIG);
    CHECK_BYTES(b.data, b.len, bytes, 99);
    CHECK_INT(b.data[99], 0);
    CHECK_INT(buf_puts(&b, "y"), 0);
    CHECK_INT(b.len, 100);
    CHECK_INT(buf_puts(&b, "z"), -EFBIG);
    CHECK(b.cap <= 101);
    CHECK_INT(buf_append(&b, bytes, SIZE_MAX), -EFBIG);
    buf_free(&b);

    buf_init(&b, 10);
    CHECK_INT(buf_puts(&b, "x"), 0);
    CHECK(b.cap <= 11);
    buf_free(&b);

    buf_init(&b, SIZE_MAX);
    CHECK_INT(buf_puts(&b, "fine"), 0);
    CHECK_STR(b.data, "fine");
    buf_free(&b);
}

static void test_growth(void)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    int rc = 0;
    for (int i = 0; i < 10000 && rc == 0; i++)
        rc = buf_printf(&b, "%04d,", i);
    CHECK_INT(rc, 0);
    CHECK_INT(b.len, 50000);
    CHECK_BYTES(b.data + 49990, 10, "9998,9999,", 10);
    buf_free(&b);
}

static void test_reset_keeps_memory(void)
{
    struct buf b;
    buf_init(&b, 100);
    buf_reset(&b);
    CHECK(b.data == NULL);
    CHECK_INT(buf_puts(&b, "text"), 0);
    size_t cap = b.cap;
    buf_reset(&b);
    CHECK_BYTES(b.data, b.len, "", 0);
    CHECK_INT(b.data[0], 0);
    CHECK_INT(b.cap, cap);
    buf_free(&b);
}

static void test_steal(void)
{
    struct buf b;
    size_t len = 7;
    buf_init(&b, 100);
    CHECK(buf_steal(&b, &len) == NULL);
    CHECK_INT(len, 0);
    CHECK_INT(buf_puts(&b, "mine"), 0);
    char *mine = buf_steal(&b, &len);
    CHECK_BYTES(mine, len, "mine", 4);
    CHECK(b.data == NULL && b.len == 0 && b.cap == 0 && b.max == 100);
    free(mine);
}

int main(void)
{
    test_append();
    test_append_nothing();
    test_maximum();
    test_growth();
    test_reset_keeps_memory();
    test_steal();
    return check_report();
}
