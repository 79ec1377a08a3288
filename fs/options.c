#include "bigdatafs/options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bigdatafs/base_url.h"

/* What fuse_opt fills in, before it is checked. */
struct raw {
    struct options *o;
    char *source, *mountpoint;
    char *api_key_file, *ca_file, *audit_file, *sandbox_file, *confirm;
    char *ttl, *stale, *timeout, *guard, *parallel, *uid, *gid, *umask;
    int sandbox, nofail, read_only, foreground, debug, help, version, dry_run;
    bool extra;
};

#define WORD(text, member)                                                                         \
    {                                                                                              \
        text, offsetof(struct raw, member), 1                                                      \
    }
#define VALUE(text, member)                                                                        \
    {                                                                                              \
        text "=%s", offsetof(struct raw, member), 0                                                \
    }

/* FUSE_OPT_KEY without its implicit conversion. */
#define KEY(text, key)                                                                             \
    {                                                                                              \
        text, UINT_MAX, key                                                                        \
    }

enum { KEY_READ_ONLY = 1 };

static const struct fuse_opt table[] = {
    VALUE("api_key_file", api_key_file),
    VALUE("cacert", ca_file),
    VALUE("audit", audit_file),
    VALUE("confirm", confirm),
    VALUE("ttl", ttl),
    VALUE("stale", stale),
    VALUE("timeout", timeout),
    VALUE("guard", guard),
    VALUE("parallel", parallel),
    VALUE("uid", uid),
    VALUE("gid", gid),
    VALUE("umask", umask),
    WORD("sandbox", sandbox),
    VALUE("sandbox", sandbox_file),
    WORD("--sandbox", sandbox),
    VALUE("--sandbox", sandbox_file),
    WORD("nofail", nofail),
    WORD("dry_run", dry_run),
    WORD("-f", foreground),
    WORD("-d", debug),
    WORD("-h", help),
    WORD("--help", help),
    WORD("-V", version),
    WORD("--version", version),
    KEY("ro", KEY_READ_ONLY),
    /* What fstab says to mount(8), not to us. */
    KEY("_netdev", FUSE_OPT_KEY_DISCARD),
    KEY("auto", FUSE_OPT_KEY_DISCARD),
    KEY("noauto", FUSE_OPT_KEY_DISCARD),
    KEY("user", FUSE_OPT_KEY_DISCARD),
    KEY("nouser", FUSE_OPT_KEY_DISCARD),
    KEY("users", FUSE_OPT_KEY_DISCARD),
    KEY("x-", FUSE_OPT_KEY_DISCARD),
    KEY("comment=", FUSE_OPT_KEY_DISCARD),
    FUSE_OPT_END,
};

void options_usage(FILE *to)
{
    fputs("usage: bigdatafs [SOURCE] MOUNTPOINT [-o OPTION,...] [-f] [-d]\n"
          "       bigdatafs --sandbox[=FILE] MOUNTPOINT\n"
          "Mounts the connectors of Bigdata.com. SOURCE is the API's base URL\n"
          "(BIGDATA_API_BASE_URL, else https://api.bigdata.com).\n\n"
          "  -f            stay in the foreground, log to stderr\n"
          "  -d            the same, and log everything\n"
          "  -h, -V        this text, the version\n"
          "  --sandbox     an embedded service: no key, no network\n"
          "  -o api_key_file=FILE   ttl=S (30)  stale=S (300)  timeout=S (30)\n"
          "     guard=N (100)  confirm=id  dry_run  ro  audit=FILE  parallel=N (64)\n"
          "     nofail  uid=N  gid=N  umask=OCTAL  cacert=FILE  sandbox[=FILE]\n"
          "     and libfuse's own, such as allow_other\n\n"
          "man bigdatafs tells more. To unmount: fusermount3 -u MOUNTPOINT\n",
          to);
}

static int on_option(void *data, const char *arg, int key, struct fuse_args *args)
{
    (void)args;
    struct raw *r = data;
    if (key == KEY_READ_ONLY) {
        r->read_only = 1;
        return 1; /* the kernel is to know it too */
    }
    if (key != FUSE_OPT_KEY_NONOPT)
        return 1;
    char *copy = strdup(arg);
    if (copy == NULL)
        return -1;
    if (r->mountpoint == NULL) {
        r->mountpoint = copy;
    } else if (r->source == NULL) {
        r->source = r->mountpoint;
        r->mountpoint = copy;
    } else {
        r->extra = true;
        free(copy);
    }
    return 0;
}

static int fail(char *error, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int fail(char *error, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error, size, fmt, args);
    va_end(args);
    return -EINVAL;
}

struct number {
    const char *name, *text;
    unsigned *value;
    unsigned least, most, base;
};

static int parse_number(const struct number *n, char *error, size_t size)
{
    if (n->text == NULL)
        return 0;
    char *end;
    errno = 0;
    unsigned long value = strtoul(n->text, &end, (int)n->base);
    if (n->text[0] < '0' || n->text[0] > '9' || *end != '\0' || errno != 0 || value < n->least ||
        value > n->most)
        return fail(error, size,
                    n->base == 8 ? "-o %s= takes an octal number from %o to %o, not %s"
                                 : "-o %s= takes a number from %u to %u, not %s",
                    n->name, n->least, n->most, n->text);
    *n->value = (unsigned)value;
    return 0;
}

static int parse_numbers(const struct raw *r, struct options *o, char *error, size_t size)
{
    unsigned uid = getuid(), gid = getgid(), umask = 0;
    const struct number numbers[] = {
        {"ttl", r->ttl, &o->ttl_s, 0, 86400, 10},
        {"stale", r->stale, &o->stale_s, 0, 604800, 10},
        {"timeout", r->timeout, &o->timeout_s, 1, 3600, 10},
        {"guard", r->guard, &o->guard, 0, 1000000, 10},
        {"parallel", r->parallel, &o->parallel, 1, 1024, 10},
        {"uid", r->uid, &uid, 0, UINT_MAX - 1, 10},
        {"gid", r->gid, &gid, 0, UINT_MAX - 1, 10},
        {"umask", r->umask, &umask, 0, 0777, 8},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (parse_number(&numbers[i], error, size) < 0)
            return -EINVAL;
    o->uid = uid;
    o->gid = gid;
    o->umask = umask;
    return 0;
}

/* The daemon leaves its directory: what was typed relative to it is made absolute. */
static int absolute(const char *path, char **out)
{
    char cwd[PATH_MAX];
    if (path == NULL)
        return 0;
    if (path[0] == '/')
        *out = strdup(path);
    else if (getcwd(cwd, sizeof cwd) == NULL || asprintf(out, "%s/%s", cwd, path) < 0)
        *out = NULL;
    return *out != NULL ? 0 : -ENOMEM;
}

static int default_audit_file(char **out)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;
    if (state != NULL && state[0] == '/')
        n = asprintf(out, "%s/bigdatafs/audit.jsonl", state);
    else if (geteuid() == 0 || home == NULL || home[0] != '/')
        n = asprintf(out, "/var/log/bigdatafs/audit.jsonl");
    else
        n = asprintf(out, "%s/.local/state/bigdatafs/audit.jsonl", home);
    return n < 0 ? -ENOMEM : 0;
}

static int set_files(const struct raw *r, struct options *o)
{
    int err = absolute(r->api_key_file, &o->api_key_file);
    if (err == 0)
        err = absolute(r->ca_file, &o->ca_file);
    if (err == 0)
        err = absolute(r->sandbox_file, &o->sandbox_file);
    if (err == 0)
        err = r->audit_file != NULL ? absolute(r->audit_file, &o->audit_file)
                                    : default_audit_file(&o->audit_file);
    return err;
}

static bool is_mounted_already(const char *mountpoint)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char *line = NULL, *type;
    size_t size = 0;
    bool found = false;
    while (f != NULL && !found && getline(&line, &size, f) > 0) {
        char *at = line;
        for (int field = 0; field < 4 && at != NULL; field++)
            if ((at = strchr(at, ' ')) != NULL)
                at++;
        size_t len = at != NULL ? strcspn(at, " ") : 0;
        type = strstr(line, " - ");
        found = at != NULL && type != NULL && len == strlen(mountpoint) &&
                memcmp(at, mountpoint, len) == 0 && strncmp(type + 3, "fuse.bigdatafs ", 15) == 0;
    }
    free(line);
    if (f != NULL)
        fclose(f);
    return found;
}

static int set_mountpoint(const struct raw *r, struct options *o, char *error, size_t size)
{
    struct stat st;
    const char *path = r->mountpoint;
    if (stat(path, &st) < 0) {
        if (errno == ENOENT)
            return fail(error, size, "the mount point %s does not exist: mkdir it first", path);
        if (errno == ENOTCONN)
            return fail(error, size, "%s holds a dead mount: fusermount3 -u %s first", path, path);
        return fail(error, size, "the mount point %s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode))
        return fail(error, size, "the mount point %s is not a directory", path);
    o->mountpoint = realpath(path, NULL);
    if (o->mountpoint == NULL)
        return fail(error, size, "the mount point %s: %s", path, strerror(errno));
    if (is_mounted_already(o->mountpoint))
        return fail(error, size, "bigdatafs is mounted on %s already", path);
    return 0;
}

static int set_source(const struct raw *r, struct options *o, char *error, size_t size)
{
    const char *source = r->source != NULL ? r->source : getenv("BIGDATA_API_BASE_URL");
    if (o->sandbox) {
        if (r->source != NULL)
            return fail(error, size, "with --sandbox there is no SOURCE: give MOUNTPOINT alone");
        o->source = strdup("bigdatafs-sandbox");
        return o->source != NULL ? 0 : -ENOMEM;
    }
    if (source == NULL || (r->source == NULL && source[0] == '\0'))
        source = "https://api.bigdata.com";
    struct base_url url;
    int err = base_url_parse(source, &url, error, size);
    if (err < 0)
        return err;
    o->source = strdup(source);
    o->base_url = url.url;
    o->unix_socket = url.unix_socket;
    o->local = url.local;
    return o->source != NULL ? 0 : -ENOMEM;
}

/* A comma or backslash in an option's value is escaped for libfuse. */
static int add_fuse_options(struct options *o)
{
    char *options = NULL;
    int err = -ENOMEM;
    if (fuse_opt_add_opt(&options, "default_permissions") == 0 &&
        fuse_opt_add_opt(&options, "subtype=bigdatafs") == 0) {
        char *fsname = NULL;
        if (asprintf(&fsname, "fsname=%s", o->source) >= 0 &&
            fuse_opt_add_opt_escaped(&options, fsname) == 0 &&
            fuse_opt_add_arg(&o->fuse_args, "-o") == 0 &&
            fuse_opt_add_arg(&o->fuse_args, options) == 0)
            err = 0;
        free(fsname);
    }
    free(options);
    return err;
}

static int check(struct raw *r, struct options *o, char *error, size_t size)
{
    if (r->extra)
        return fail(error, size, "too many arguments: see bigdatafs --help");
    if (r->mountpoint == NULL)
        return fail(error, size, "no mount point: see bigdatafs --help");
    if (r->confirm != NULL && strcmp(r->confirm, "id") != 0)
        return fail(error, size, "-o confirm= takes id, not %s", r->confirm);
    o->confirm_id = r->confirm != NULL;
    int err = parse_numbers(r, o, error, size);
    if (err == 0)
        err = set_source(r, o, error, size);
    if (err == 0)
        err = set_mountpoint(r, o, error, size);
    if (err == 0)
        err = set_files(r, o);
    if (err == 0)
        err = add_fuse_options(o);
    return err == -ENOMEM ? fail(error, size, "no memory") : err;
}

static void raw_free(struct raw *r)
{
    char *strings[] = {r->source,       r->mountpoint, r->api_key_file, r->ca_file, r->audit_file,
                       r->sandbox_file, r->confirm,    r->ttl,          r->stale,   r->timeout,
                       r->guard,        r->parallel,   r->uid,          r->gid,     r->umask};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        free(strings[i]);
}

int options_parse(int argc, char **argv, struct options *o, char *error, size_t error_size)
{
    *o = (struct options){
        .ttl_s = 30, .stale_s = 300, .timeout_s = 30, .guard = 100, .parallel = 64};
    o->fuse_args = (struct fuse_args)FUSE_ARGS_INIT(argc, argv);
    struct raw r = {.o = o};
    error[0] = '\0';
    int err = fuse_opt_parse(&o->fuse_args, &r, table, on_option);
    o->help = r.help;
    o->version = r.version;
    o->foreground = r.foreground || r.debug;
    o->debug = r.debug;
    o->nofail = r.nofail;
    o->read_only = r.read_only;
    o->dry_run = r.dry_run;
    o->sandbox = r.sandbox || r.sandbox_file != NULL;
    if (err < 0)
        err = fail(error, error_size, "the options cannot be read: see bigdatafs --help");
    else if (!o->help && !o->version)
        err = check(&r, o, error, error_size);
    raw_free(&r);
    return err;
}

void options_free(struct options *o)
{
    char *strings[] = {o->source,       o->base_url, o->unix_socket, o->mountpoint,
                       o->api_key_file, o->ca_file,  o->audit_file,  o->sandbox_file};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        free(strings[i]);
    fuse_opt_free_args(&o->fuse_args);
}
