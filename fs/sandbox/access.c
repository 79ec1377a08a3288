#include "access.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "text.h"
#include "timestamp.h"

enum { ACCESS_LINE_MAX = 1 << 20, ACCESS_MODE = 0600 };

int access_open(const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, ACCESS_MODE);
    return *fd < 0 ? -errno : 0;
}

static int write_all(int fd, const struct text *t)
{
    for (size_t done = 0; done < t->len;) {
        ssize_t n = write(fd, t->data + done, t->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

int access_write(int fd, const struct access_line *line)
{
    struct text t;
    text_init(&t, ACCESS_LINE_MAX);
    text_str(&t, "{\"time\":");
    text_time(&t, clock_now_us());
    text_str(&t, ",\"method\":");
    text_json(&t, line->method);
    text_str(&t, ",\"path\":");
    text_json(&t, line->path);
    text_str(&t, ",\"query\":");
    text_json(&t, line->query);
    text_str(&t, ",\"status\":");
    text_number(&t, line->status);
    text_str(&t, line->key ? ",\"key\":true" : ",\"key\":false");
    text_str(&t, ",\"user_agent\":");
    text_json(&t, line->user_agent);
    text_str(&t, ",\"bytes\":");
    text_number(&t, (int64_t)line->bytes);
    text_str(&t, ",\"request_id\":");
    text_json(&t, line->request_id);
    text_str(&t, "}\n");
    int err = t.err < 0 ? t.err : write_all(fd, &t);
    text_free(&t);
    return err;
}
