#include "multi.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct multi {
    CURLM *handle;
    struct loop *loop;
    struct loop_timer timer;
    multi_done_fn *done;
};

/* A socket of libcurl's, watched by the loop. */
struct watched_socket {
    struct loop_watch watch;
    struct multi *multi;
};

static void deliver_finished(struct multi *m)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(m->handle, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            m->done(message->easy_handle, message->data.result);
}

static void on_socket_ready(void *arg, uint32_t events)
{
    struct watched_socket *s = arg;
    struct multi *m = s->multi;
    int flags = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(m->handle, s->watch.fd, flags, &running);
    deliver_finished(m);
}

static void on_timer(void *arg)
{
    struct multi *m = arg;
    int running;
    curl_multi_socket_action(m->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    deliver_finished(m);
}

static int on_curl_timer(CURLM *handle, long timeout_ms, void *arg)
{
    (void)handle;
    struct multi *m = arg;
    if (timeout_ms < 0)
        loop_timer_clear(&m->timer);
    else
        loop_timer_set(m->loop, &m->timer, (uint64_t)timeout_ms);
    return 0;
}

static struct watched_socket *socket_new(struct multi *m, curl_socket_t fd)
{
    struct watched_socket *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->multi = m;
    s->watch = (struct loop_watch){.fd = fd, .ready = on_socket_ready, .arg = s};
    if (loop_add(m->loop, &s->watch, 0) < 0) {
        free(s);
        return NULL;
    }
    if (curl_multi_assign(m->handle, fd, s) != CURLM_OK) {
        loop_remove(m->loop, &s->watch);
        free(s);
        return NULL;
    }
    return s;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct multi *m = arg;
    struct watched_socket *s = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            loop_remove(m->loop, &s->watch);
            curl_multi_assign(m->handle, fd, NULL);
            free(s);
        }
        return 0;
    }
    if (s == NULL && (s = socket_new(m, fd)) == NULL)
        return -1;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    return loop_change(m->loop, &s->watch, events) < 0 ? -1 : 0;
}

/* Sets one option, unless one before it failed. */
#define SET(code, handle, option, value)                                                           \
    do {                                                                                           \
        if ((code) == CURLM_OK)                                                                    \
            (code) = curl_multi_setopt((handle), (option), (value));                               \
    } while (0)

static CURLMcode set_up(struct multi *m, long connections)
{
    CURLMcode code = CURLM_OK;
    SET(code, m->handle, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    SET(code, m->handle, CURLMOPT_SOCKETDATA, m);
    SET(code, m->handle, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    SET(code, m->handle, CURLMOPT_TIMERDATA, m);
    SET(code, m->handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    SET(code, m->handle, CURLMOPT_MAXCONNECTS, connections);
    SET(code, m->handle, CURLMOPT_MAX_CONCURRENT_STREAMS, connections);
    return code;
}

int multi_new(struct loop *loop, long connections, multi_done_fn *done, struct multi **out)
{
    struct multi *m = calloc(1, sizeof *m);
    if (m == NULL)
        return -ENOMEM;
    m->loop = loop;
    m->done = done;
    loop_timer_init(&m->timer, on_timer, m);
    m->handle = curl_multi_init();
    CURLMcode code = m->handle == NULL ? CURLM_OUT_OF_MEMORY : set_up(m, connections);
    if (code != CURLM_OK) {
        multi_free(m);
        return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -ENOSYS;
    }
    *out = m;
    return 0;
}

void multi_free(struct multi *m)
{
    if (m == NULL)
        return;
    if (m->handle != NULL)
        curl_multi_cleanup(m->handle);
    loop_timer_clear(&m->timer);
    free(m);
}

CURLcode multi_add(struct multi *m, CURL *easy)
{
    CURLMcode code = curl_multi_add_handle(m->handle, easy);
    if (code == CURLM_OK)
        return CURLE_OK;
    return code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
}

void multi_remove(struct multi *m, CURL *easy)
{
    curl_multi_remove_handle(m->handle, easy);
}
