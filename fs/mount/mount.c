#include "bigdatafs/mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "about.h"
#include "bigdatafs/base/loop.h"
#include "bigdatafs/base/sentence.h"
#include "bigdatafs/catalogue/catalogue.h"
#include "bigdatafs/deletion/audit.h"
#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/fuse/session.h"
#include "bigdatafs/inode/nodes.h"
#include "bigdatafs/kernel/libfuse.h"
#include "bigdatafs/kernel/notify.h"
#include "bigdatafs/mount/background.h"
#include "bigdatafs/service/failure.h"
#include "bigdatafs/service/service.h"
#include "sandbox_child.h"
#include "say.h"

/* The parts of a mount, in the order in which they are made; free_parts tells how they go. */
struct mount {
    struct options *options;
    struct log *log;
    struct loop *loop;
    struct sandbox_child *sandbox;
    struct service *service;
    struct catalogue *catalogue;
    struct audit *audit;
    struct deletions *deletions;
    struct bulks *bulks;
    struct notify *notify;
    struct journal *journal;
    struct about about;
    struct nodes *nodes;
    struct session *session;
    struct loop_watch signals;          /* fd < 0: not watched */
    struct loop_watch sandbox_messages; /* the same */
    bool mounted;
    int list_err;
};

static void on_signal(void *arg, uint32_t events)
{
    (void)events;
    struct mount *m = arg;
    struct signalfd_siginfo info;
    if (read(m->signals.fd, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGHUP) {
        catalogue_refresh(m->catalogue, NULL);
    } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
        deletions_close(m->deletions);
        loop_stop(m->loop);
    }
}

/* Signals are blocked before the first thread starts, so that none of them is taken by it. */
static int watch_signals(struct mount *m)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGPIPE);
    sigaddset(&set, SIGXFSZ); /* the audit log beyond ulimit -f: a failed write, not the end */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (m->signals.fd < 0)
        return -errno;
    m->signals.ready = on_signal;
    m->signals.arg = m;
    int err = loop_add(m->loop, &m->signals, EPOLLIN);
    if (err < 0) {
        close(m->signals.fd);
        m->signals.fd = -1;
    }
    return err;
}

static void on_sandbox_message(void *arg, uint32_t events)
{
    (void)events;
    struct mount *m = arg;
    char text[SENTENCE_MAX];
    ssize_t n = read(m->sandbox_messages.fd, text, sizeof text - 1);
    if (n > 0) {
        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';
        log_warning(m->log, "the sandbox says: %s", text);
        return;
    }
    log_warning(m->log, "the sandbox has ended");
    loop_remove(m->loop, &m->sandbox_messages);
    m->sandbox_messages.fd = -1;
}

static int start_sandbox(struct mount *m)
{
    char why[SENTENCE_MAX];
    int err = sandbox_child_start(m->options->sandbox_file, &m->sandbox, why, sizeof why);
    if (err < 0) {
        say("the sandbox could not be started", why);
        return err;
    }
    struct loop_watch watch = {
        .fd = sandbox_child_messages(m->sandbox), .ready = on_sandbox_message, .arg = m};
    m->sandbox_messages = watch;
    err = loop_add(m->loop, &m->sandbox_messages, EPOLLIN);
    if (err < 0) {
        m->sandbox_messages.fd = -1;
        say("the sandbox could not be started", strerror(-err));
    }
    return err;
}

static int make_service(struct mount *m)
{
    const struct options *o = m->options;
    struct service_config config = {.loop = m->loop,
                                    .log = m->log,
                                    .base_url = o->base_url,
                                    .unix_socket = o->unix_socket,
                                    .ca_file = o->ca_file,
                                    .local = o->local,
                                    .connections = o->parallel,
                                    .timeout_s = o->timeout_s,
                                    .api_key_file = o->api_key_file,
                                    .mountpoint = o->mountpoint};
    if (o->sandbox) {
        int err = start_sandbox(m);
        if (err < 0)
            return err;
        config.base_url = "http://localhost";
        config.unix_socket = sandbox_child_socket(m->sandbox);
        config.local = true;
        config.fixed_key = "sandbox";
    }
    char why[SENTENCE_MAX];
    int err = service_new(&config, &m->service, why, sizeof why);
    if (err < 0)
        say(why, "");
    return err;
}

/* Which service the audit log's lines are about: what an earlier run left open on another one is
 * not this mount's to follow. A sandbox in memory ends with its mount. */
static const char *service_name(const struct mount *m)
{
    if (!m->options->sandbox)
        return m->options->source;
    return m->options->sandbox_file != NULL ? m->options->sandbox_file
                                            : sandbox_child_socket(m->sandbox);
}

static int make_catalogue(struct mount *m)
{
    struct catalogue_options options = {.ttl_s = m->options->ttl_s, .stale_s = m->options->stale_s};
    int err = journal_new(&m->journal);
    if (err < 0)
        return err;
    struct catalogue_parts parts = {
        .loop = m->loop, .log = m->log, .api = service_api(m->service), .journal = m->journal};
    return catalogue_new(&parts, &options, &m->catalogue);
}

static int make_deletions(struct mount *m)
{
    const struct options *o = m->options;
    struct deletion_options deletion = {
        .kinds = o->delete_kinds, .guard = o->guard, .dry_run = o->dry_run};
    struct api *api = service_api(m->service);
    int err = audit_new(m->loop, m->log, o->audit_file, service_name(m), &m->audit);
    struct deletion_parts parts = {.loop = m->loop,
                                   .log = m->log,
                                   .api = api,
                                   .catalogue = m->catalogue,
                                   .audit = m->audit,
                                   .journal = m->journal};
    if (err == 0)
        err = deletions_new(&parts, &deletion, &m->deletions);
    struct bulk_parts bulk = {.loop = m->loop,
                              .catalogue = m->catalogue,
                              .deletions = m->deletions,
                              .journal = m->journal,
                              .parallel = o->parallel};
    if (err == 0)
        err = bulks_new(&bulk, &m->bulks);
    return err;
}

static int make_tree(struct mount *m)
{
    const struct options *o = m->options;
    struct node_options node = {.uid = o->uid, .gid = o->gid, .umask = o->umask};
    int err = notify_new(m->loop, m->log, &m->notify);
    struct nodes_parts parts = {.loop = m->loop,
                                .log = m->log,
                                .catalogue = m->catalogue,
                                .notify = m->notify,
                                .journal = m->journal};
    if (err == 0)
        err = nodes_new(&parts, &node, &m->nodes);
    return err;
}

static int make_session(struct mount *m)
{
    struct session_parts parts = {.loop = m->loop,
                                  .log = m->log,
                                  .catalogue = m->catalogue,
                                  .nodes = m->nodes,
                                  .deletions = m->deletions,
                                  .bulks = m->bulks,
                                  .journal = m->journal,
                                  .notify = m->notify,
                                  .confirm_id = m->options->confirm_id,
                                  .rmdir_emptied = m->options->rmdir_emptied};
    return session_new(&parts, &m->options->fuse_args, &m->session);
}

/* All parts exist: what .bigdatafs tells about them can be shown. */
static void show_reports(struct mount *m)
{
    m->about = (struct about){.log = m->log,
                              .source = m->options->source,
                              .mountpoint = m->options->mountpoint,
                              .guard = m->options->guard,
                              .kinds = m->options->delete_kinds,
                              .loop = m->loop,
                              .catalogue = m->catalogue,
                              .service = m->service,
                              .deletions = m->deletions,
                              .bulks = m->bulks,
                              .journal = m->journal,
                              .audit = m->audit,
                              .notify = m->notify,
                              .nodes = m->nodes,
                              .session = m->session};
    struct node_reports reports = about_reports(&m->about);
    nodes_set_reports(m->nodes, &reports);
}

static int make_parts(struct mount *m)
{
    int err = make_catalogue(m);
    if (err == 0)
        err = make_deletions(m);
    if (err == 0)
        err = make_tree(m);
    if (err == 0)
        err = make_session(m);
    if (err == -EINVAL)
        say("an option is not known: see bigdatafs --help", "");
    else if (err < 0)
        say("cannot start", strerror(-err));
    else
        show_reports(m);
    return err;
}

static void on_first_list(void *arg, int err)
{
    struct mount *m = arg;
    m->list_err = err;
    loop_stop(m->loop);
}

/* Fetches the first list: a bad key, URL or certificate is to be seen by who mounts. */
static int fetch_first_list(struct mount *m)
{
    struct catalogue_waiter waiter = {.done = on_first_list, .arg = m, .fresh_only = true};
    m->list_err = -EINTR; /* a signal ends the loop too */
    catalogue_refresh(m->catalogue, &waiter);
    int err = loop_run(m->loop);
    catalogue_unwait(&waiter);
    if (err == 0)
        err = m->list_err;
    if (err == 0 || (m->options->nofail && err != -EINTR))
        return 0;
    log_flush(m->log); /* the sentence is the last word */
    struct catalogue_state state = catalogue_state(m->catalogue);
    char why[SENTENCE_MAX];
    api_describe(&state.failure, why, sizeof why);
    if (err == -EINTR)
        say("interrupted before the mount", "");
    else
        fprintf(stderr, "bigdatafs: cannot fetch the connectors from %s: %s; %s\n",
                m->options->source, why, failure_hint(state.failure.failure, state.failure.status));
    return err;
}

/* The mount's st_dev, without a request: nobody answers yet. */
static int mount_device(const char *mountpoint, dev_t *device)
{
    struct statx st;
    if (statx(AT_FDCWD, mountpoint, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st) < 0)
        return -errno;
    *device = makedev(st.stx_dev_major, st.stx_dev_minor);
    return 0;
}

static int mount_now(struct mount *m)
{
    const char *mountpoint = m->options->mountpoint;
    dev_t device = 0;
    if (fuse_session_mount(session_fuse(m->session), mountpoint) != 0) {
        say("cannot mount on", mountpoint);
        return -EIO;
    }
    m->mounted = true;
    int err = session_start(m->session);
    if (err == 0)
        err = mount_device(mountpoint, &device);
    if (err < 0) {
        say("cannot serve the mount", strerror(-err));
        return err;
    }
    notify_start(m->notify, session_fuse(m->session), mountpoint, device);
    return 0;
}

static int start(struct mount *m)
{
    int err = loop_new(&m->loop);
    if (err == 0)
        err = watch_signals(m);
    if (err < 0) {
        say("cannot start", strerror(-err));
        return err;
    }
    err = make_service(m);
    if (err == 0)
        err = make_parts(m);
    if (err == 0 && (err = log_start(m->log)) < 0)
        say("cannot start", strerror(-err));
    if (err == 0)
        err = fetch_first_list(m);
    if (err == 0 && audit_state(m->audit) < 0)
        log_warning(m->log, "nothing can be deleted: the audit log %s cannot be written: %s",
                    audit_path(m->audit), strerror(-audit_state(m->audit)));
    if (err == 0) /* before the mount: nobody waits for a tree while a long log is read */
        deletions_recover(m->deletions);
    if (err == 0)
        err = mount_now(m);
    return err;
}

/* Runs the loop until idle says so, at most for max_ms. */
struct wait {
    struct mount *mount;
    bool (*idle)(struct mount *m);
    struct loop_timer timer;
    uint64_t until_ms;
};

static void on_wait_turn(void *arg)
{
    struct wait *w = arg;
    struct loop *loop = w->mount->loop;
    if (w->idle(w->mount) || loop_now(loop) >= w->until_ms)
        loop_stop(loop);
    else
        loop_timer_set(loop, &w->timer, 2);
}

static void run_until(struct mount *m, bool (*idle)(struct mount *m), uint64_t max_ms)
{
    struct wait w = {.mount = m, .idle = idle, .until_ms = loop_now(m->loop) + max_ms};
    loop_timer_init(&w.timer, on_wait_turn, &w);
    while (!idle(m) && loop_now(m->loop) < w.until_ms) {
        loop_timer_set(m->loop, &w.timer, 0);
        if (loop_run(m->loop) < 0)
            break;
    }
    loop_timer_clear(&w.timer);
}

static bool nothing_is_deleted(struct mount *m)
{
    return deletions_under_way(m->deletions) == 0 && bulks_under_way(m->bulks) == 0;
}

static bool kernel_is_told(struct mount *m)
{
    return !notify_is_busy(m->notify);
}

/* Lets DELETEs under way come to their end and their record, then lets go of the kernel. */
static void wind_down(struct mount *m)
{
    if (m->bulks != NULL) {
        bulks_stop(m->bulks);
        run_until(m, nothing_is_deleted, MOUNT_DRAIN_MS);
        deletions_stop(m->deletions);
        run_until(m, nothing_is_deleted, MOUNT_CLOSE_MS);
    }
    if (m->notify != NULL) {
        notify_stop(m->notify);
        if (m->mounted)
            run_until(m, kernel_is_told, MOUNT_CLOSE_MS);
    }
    if (m->session != NULL)
        session_stop(m->session, -EIO);
    if (m->mounted)
        fuse_session_unmount(session_fuse(m->session));
}

/* A part is freed after those that use it; where two use each other, after the one that may still
 * call. What each of these does at its end:
 *   notify     ends its thread, and hands nodes back the files that were on their way
 *   bulks      abandons deletions
 *   audit      writes the lines that wait, and tells their deletions
 *   nodes      wakes those who poll through the session, and lets go of connectors
 *   catalogue  cancels calls of the service
 */
static void free_parts(struct mount *m)
{
    notify_free(m->notify);
    bulks_free(m->bulks);
    audit_free(m->audit);
    deletions_free(m->deletions);
    nodes_free(m->nodes);
    session_free(m->session);
    catalogue_free(m->catalogue);
    journal_free(m->journal);
    service_free(m->service);
    if (m->sandbox_messages.fd >= 0)
        loop_remove(m->loop, &m->sandbox_messages);
    sandbox_child_stop(m->sandbox);
    if (m->signals.fd >= 0) {
        loop_remove(m->loop, &m->signals);
        close(m->signals.fd);
    }
    loop_free(m->loop);
}

void mount_init(void)
{
    fuse_set_log_func(say_for_fuse);
}

int mount_run(struct options *options, struct log *log, int ready_fd)
{
    struct mount m = {.options = options, .log = log, .signals.fd = -1, .sandbox_messages.fd = -1};
    int err = start(&m);
    if (err == 0 && ready_fd >= 0) {
        log_to_syslog(log);
        err = background_ready(ready_fd);
        if (err < 0) {
            say("cannot go to the background", strerror(-err));
            log_error(log, "cannot go to the background: %s", strerror(-err));
        }
    }
    if (err == 0) {
        log_info(log, "%s is mounted on %s", options->source, options->mountpoint);
        err = loop_run(m.loop);
        if (err < 0)
            log_error(log, "the event loop failed: %s", strerror(-err));
    }
    if (m.loop != NULL)
        wind_down(&m);
    free_parts(&m);
    log_stop(log);
    return err == 0 ? 0 : 1;
}
