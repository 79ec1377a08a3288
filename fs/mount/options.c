#include "bigdatafs/mount/options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"

#define DEFAULT_SOURCE "https://api.bigdata.com"
#define FS_TYPE "fuse.bigdatafs"

_Static_assert(sizeof(uid_t) == sizeof(unsigned) && sizeof(gid_t) == sizeof(unsigned) &&
                   sizeof(mode_t) == sizeof(unsigned),
               "numbers[] sets them through unsigned pointers");

enum key { KEY_FILE, KEY_NUMBER, KEY_FLAG, KEY_RO, KEY_RW, KEY_CONFIRM, KEY_DEBUG };

enum { WORDS_MAX = 2, DECIMAL = 10, OCTAL = 8 };

/* A command line that is being read. */
struct parse {
    struct options *o;
    char *words[WORDS_MAX]; /* [SOURCE] MOUNTPOINT */
    unsigned count;
    char *error;
    size_t error_size;
};

/* FUSE_OPT_KEY, without the conversion that clang warns of. */
#define TAKE(template, key)                                                                        \
    {                                                                                              \
        (template), UINT_MAX, (key)                                                                \
    }

static const struct fuse_opt templates[] = {
    TAKE("api_key_file=", KEY_FILE),
    TAKE("cacert=", KEY_FILE),
    TAKE("audit=", KEY_FILE),
    TAKE("sandbox=", KEY_FILE),
    TAKE("--sandbox=", KEY_FILE),
    TAKE("ttl=", KEY_NUMBER),
    TAKE("stale=", KEY_NUMBER),
    TAKE("timeout=", KEY_NUMBER),
    TAKE("guard=", KEY_NUMBER),
    TAKE("parallel=", KEY_NUMBER),
    TAKE("uid=", KEY_NUMBER),
    TAKE("gid=", KEY_NUMBER),
    TAKE("umask=", KEY_NUMBER),
    TAKE("sandbox", KEY_FLAG),
    TAKE("--sandbox", KEY_FLAG),
    TAKE("nofail", KEY_FLAG),
    TAKE("dry_run", KEY_FLAG),
    TAKE("-f", KEY_FLAG),
    TAKE("-h", KEY_FLAG),
    TAKE("--help", KEY_FLAG),
    TAKE("-V", KEY_FLAG),
    TAKE("--version", KEY_FLAG),
    TAKE("-d", KEY_DEBUG),
    TAKE("ro", KEY_RO),
    TAKE("rw", KEY_RW),
    TAKE("confirm=", KEY_CONFIRM),
    /* What /etc/fstab holds for mount(8) and systemd. */
    TAKE("_netdev", FUSE_OPT_KEY_DISCARD),
    TAKE("defaults", FUSE_OPT_KEY_DISCARD),
    TAKE("auto", FUSE_OPT_KEY_DISCARD),
    TAKE("noauto", FUSE_OPT_KEY_DISCARD),
    TAKE("user", FUSE_OPT_KEY_DISCARD),
    TAKE("user=", FUSE_OPT_KEY_DISCARD),
    TAKE("nouser", FUSE_OPT_KEY_DISCARD),
    TAKE("users", FUSE_OPT_KEY_DISCARD),
    TAKE("comment=", FUSE_OPT_KEY_DISCARD),
    FUSE_OPT_END,
};

/* Which member an option sets; names end where the argument's "=" is. */
static const struct {
    const char *name;
    size_t offset;
} files[] = {
    {"api_key_file", offsetof(struct options, api_key_file)},
    {"cacert", offsetof(struct options, ca_file)},
    {"audit", offsetof(struct options, audit_file)},
    {"sandbox", offsetof(struct options, sandbox_file)},
    {"--sandbox", offsetof(struct options, sandbox_file)},
};

static const struct number {
    const char *name;
    size_t offset;
    int base;
    unsigned long min, max;
} numbers[] = {
    {"ttl", offsetof(struct options, ttl_s), DECIMAL, 0, OPTIONS_TTL_MAX_S},
    {"stale", offsetof(struct options, stale_s), DECIMAL, 0, OPTIONS_STALE_MAX_S},
    {"timeout", offsetof(struct options, timeout_s), DECIMAL, 1, OPTIONS_TIMEOUT_MAX_S},
    {"guard", offsetof(struct options, guard), DECIMAL, 0, OPTIONS_GUARD_MAX},
    {"parallel", offsetof(struct options, parallel), DECIMAL, 1, OPTIONS_PARALLEL_MAX},
    /* The highest value means "unchanged" to the kernel. */
    {"uid", offsetof(struct options, uid), DECIMAL, 0, UINT32_MAX - 1UL},
    {"gid", offsetof(struct options, gid), DECIMAL, 0, UINT32_MAX - 1UL},
    {"umask", offsetof(struct options, umask), OCTAL, 0, 0777},
};

static const struct {
    const char *name;
    size_t offset;
} flags[] = {
    {"sandbox", offsetof(struct options, sandbox)},
    {"--sandbox", offsetof(struct options, sandbox)},
    {"nofail", offsetof(struct options, nofail)},
    {"dry_run", offsetof(struct options, dry_run)},
    {"-f", offsetof(struct options, foreground)},
    {"-h", offsetof(struct options, help)},
    {"--help", offsetof(struct options, help)},
    {"-V", offsetof(struct options, version)},
    {"--version", offsetof(struct options, version)},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int refuse(struct parse *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Keeps the first sentence only: what comes after it may follow from it. */
static int refuse(struct parse *p, const char *fmt, ...)
{
    if (p->error[0] == '\0') {
        va_list args;
        va_start(args, fmt);
        vsnprintf(p->error, p->error_size, fmt, args);
        va_end(args);
    }
    return -1;
}

static int no_memory(struct parse *p)
{
    return refuse(p, "out of memory");
}

static bool is_named(const char *arg, const char *name)
{
    size_t len = strcspn(arg, "=");
    return strlen(name) == len && memcmp(arg, name, len) == 0;
}

static void *member(struct options *o, size_t offset)
{
    return (char *)o + offset;
}

/* Replaces *to, which an earlier option may have set. */
static int set_text(struct parse *p, char **to, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return no_memory(p);
    free(*to);
    *to = copy;
    return 0;
}

static int parse_file(struct parse *p, const char *arg)
{
    const char *value = strchr(arg, '=') + 1;
    if (*value == '\0')
        return refuse(p, "%s needs the name of a file after the =", arg);
    size_t i = 0;
    while (!is_named(arg, files[i].name))
        i++;
    if (files[i].offset == offsetof(struct options, sandbox_file))
        p->o->sandbox = true;
    return set_text(p, member(p->o, files[i].offset), value);
}

static int parse_number(struct parse *p, const char *arg)
{
    const char *value = strchr(arg, '=') + 1;
    const struct number *n = numbers;
    while (!is_named(arg, n->name))
        n++;
    char *end;
    errno = 0;
    unsigned long parsed = strtoul(value, &end, n->base);
    bool ok = *value >= '0' && *value <= '9' && *end == '\0' && errno == 0;
    if (ok && parsed >= n->min && parsed <= n->max) {
        *(unsigned *)member(p->o, n->offset) = (unsigned)parsed;
        return 0;
    }
    if (n->base == OCTAL)
        return refuse(p, "-o %.100s: %s must be an octal number from %lo to %lo", arg, n->name,
                      n->min, n->max);
    return refuse(p, "-o %.100s: %s must be a number from %lu to %lu", arg, n->name, n->min,
                  n->max);
}

static int parse_flag(struct parse *p, const char *arg)
{
    size_t i = 0;
    while (strcmp(arg, flags[i].name) != 0)
        i++;
    *(bool *)member(p->o, flags[i].offset) = true;
    return 0;
}

static int parse_word(struct parse *p, const char *arg)
{
    if (p->count == WORDS_MAX)
        return refuse(p, "\"%.200s\" is one argument too many: bigdatafs [SOURCE] MOUNTPOINT", arg);
    if (set_text(p, &p->words[p->count], arg) < 0)
        return -1;
    p->count++;
    return 0;
}

/* fuse_opt's callback: 1 leaves the argument to libfuse, 0 takes it away, -1 is an error. */
static int on_argument(void *data, const char *arg, int key, struct fuse_args *rest)
{
    struct parse *p = data;
    (void)rest;
    switch (key) {
    case FUSE_OPT_KEY_NONOPT:
        return parse_word(p, arg);
    case KEY_FILE:
        return parse_file(p, arg);
    case KEY_NUMBER:
        return parse_number(p, arg);
    case KEY_FLAG:
        return parse_flag(p, arg);
    case KEY_DEBUG:
        p->o->debug = p->o->foreground = true;
        return 0;
    case KEY_RO:
    case KEY_RW:
        p->o->read_only = key == KEY_RO;
        return 1;
    case KEY_CONFIRM:
        if (strcmp(arg, "confirm=id") != 0)
            return refuse(p, "-o %.100s: only confirm=id is known", arg);
        p->o->confirm_id = true;
        return 0;
    default:
        if (arg[0] == '-')
            return refuse(p, "there is no option %.100s: see bigdatafs --help", arg);
        return strncmp(arg, "x-", 2) != 0;
    }
}

static int read_arguments(struct parse *p)
{
    int err = fuse_opt_parse(&p->o->fuse_args, p, templates, on_argument);
    return err < 0 ? refuse(p, "-o needs a list of options after it: see bigdatafs --help") : 0;
}

/* Source */

static int check_source(struct parse *p)
{
    struct options *o = p->o;
    const char *given = p->count == WORDS_MAX ? p->words[0] : NULL;
    if (o->sandbox) {
        if (given != NULL && strcmp(given, "none") != 0 &&
            strcmp(given, OPTIONS_SANDBOX_SOURCE) != 0)
            return refuse(p, "a sandbox has no SOURCE: leave \"%.200s\" out, or leave out sandbox",
                          given);
        return set_text(p, &o->source, OPTIONS_SANDBOX_SOURCE);
    }
    if (given == NULL) {
        given = getenv("BIGDATA_API_BASE_URL");
        if (given == NULL || given[0] == '\0')
            given = DEFAULT_SOURCE;
    }
    struct source b;
    if (source_parse(given, &b, p->error, p->error_size) < 0)
        return -1;
    o->base_url = b.url;
    o->unix_socket = b.unix_socket;
    o->local = b.local;
    return set_text(p, &o->source, given);
}

/* Mount point */

/* Undoes \ooo of /proc/PID/mountinfo in place. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++, to++) {
        unsigned char c = (unsigned char)*from;
        if (c == '\\' && strspn(from + 1, "01234567") >= 3) {
            c = (unsigned char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 3;
        }
        *to = (char)c;
    }
    *to = '\0';
}

/* Whether a line of mountinfo, which is cut up, is a bigdatafs on this path. */
static bool is_mount_of(char *line, const char *path)
{
    enum { MOUNT_POINT_FIELD = 5 };
    char *type = strstr(line, " - ");
    if (type == NULL || strncmp(type + 3, FS_TYPE " ", strlen(FS_TYPE " ")) != 0)
        return false;
    char *field = NULL;
    for (int i = 0; i < MOUNT_POINT_FIELD && line != NULL; i++)
        field = strsep(&line, " ");
    if (field == NULL)
        return false;
    unescape(field);
    return strcmp(field, path) == 0;
}

static bool is_mounted(const char *path)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (table != NULL && !found && getline(&line, &size, table) > 0)
        found = is_mount_of(line, path);
    free(line);
    if (table != NULL)
        fclose(table);
    return found;
}

static int refuse_mountpoint(struct parse *p, const char *path, int err)
{
    if (err == ENOENT)
        return refuse(p, "the mount point %.200s does not exist: make it with mkdir first", path);
    if (err == ENOTDIR)
        return refuse(p, "the mount point %.200s is not a directory", path);
    if (err == ENOTCONN)
        return refuse(p,
                      "%.200s is a mount whose program has ended: take it away with "
                      "fusermount3 -u %.200s, then mount again",
                      path, path);
    return refuse(p, "the mount point %.200s cannot be used: %s", path, strerror(err));
}

static int check_mountpoint(struct parse *p)
{
    const char *given = p->words[p->count - 1];
    struct stat st;
    char *path = p->o->mountpoint = realpath(given, NULL);
    if (path == NULL)
        return refuse_mountpoint(p, given, errno);
    int err = stat(path, &st) < 0 ? errno : 0;
    /* A mount of somebody else cannot be looked into, so the table is asked before EACCES counts.
     */
    if (err != ENOTCONN && is_mounted(path))
        return refuse(p, "%.200s is mounted already: to mount anew, fusermount3 -u %.200s first",
                      path, path);
    if (err == 0 && !S_ISDIR(st.st_mode))
        err = ENOTDIR;
    if (err == 0 && access(path, geteuid() == 0 ? X_OK : W_OK | X_OK) < 0)
        err = errno;
    return err == 0 ? 0 : refuse_mountpoint(p, given, err);
}

/* Files */

static int choose_audit_file(struct parse *p)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char **path = &p->o->audit_file;
    int n = 0;
    if (*path != NULL)
        return 0;
    if (state != NULL && state[0] == '/')
        n = asprintf(path, "%s/bigdatafs/audit.jsonl", state);
    else if (geteuid() == 0)
        n = asprintf(path, "/var/log/bigdatafs/audit.jsonl");
    else if (home != NULL && home[0] == '/')
        n = asprintf(path, "%s/.local/state/bigdatafs/audit.jsonl", home);
    else
        return refuse(p, "there is no HOME to keep the record of deletions in: say where with "
                         "-o audit=FILE");
    if (n < 0) {
        *path = NULL;
        return no_memory(p);
    }
    return 0;
}

static int make_absolute(struct parse *p, char **path)
{
    if (*path == NULL || (*path)[0] == '/')
        return 0;
    char *here = getcwd(NULL, 0), *whole;
    if (here == NULL)
        return refuse(p, "%.200s cannot be found from here (%s): give its absolute path", *path,
                      strerror(errno));
    int n = asprintf(&whole, "%s/%s", here, *path);
    free(here);
    if (n < 0)
        return no_memory(p);
    free(*path);
    *path = whole;
    return 0;
}

static int check_files(struct parse *p)
{
    int err = choose_audit_file(p);
    for (size_t i = 0; err == 0 && i < COUNT(files); i++)
        err = make_absolute(p, member(p->o, files[i].offset));
    return err;
}

/* What libfuse gets besides the options that it was left. */
static int add_fuse_options(struct parse *p)
{
    char *list = NULL, *name;
    if (asprintf(&name, "fsname=%s", p->o->source) < 0)
        return no_memory(p);
    bool ok = fuse_opt_add_opt(&list, "default_permissions,subtype=bigdatafs") == 0 &&
              fuse_opt_add_opt_escaped(&list, name) == 0 &&
              fuse_opt_add_arg(&p->o->fuse_args, "-o") == 0 &&
              fuse_opt_add_arg(&p->o->fuse_args, list) == 0;
    free(name);
    free(list);
    return ok ? 0 : no_memory(p);
}

static int read_and_check(struct parse *p)
{
    int err = read_arguments(p);
    if (err < 0 || p->o->help || p->o->version)
        return err;
    if (p->count == 0)
        return refuse(p, "where to mount is missing: bigdatafs [SOURCE] MOUNTPOINT, and see "
                         "bigdatafs --help");
    err = check_source(p);
    if (err == 0)
        err = check_mountpoint(p);
    if (err == 0)
        err = check_files(p);
    return err == 0 ? add_fuse_options(p) : err;
}

int options_parse(int argc, char **argv, struct options *o, char *error, size_t error_size)
{
    *o = (struct options){
        .ttl_s = OPTIONS_TTL_S,
        .stale_s = OPTIONS_STALE_S,
        .timeout_s = OPTIONS_TIMEOUT_S,
        .guard = OPTIONS_GUARD,
        .parallel = OPTIONS_PARALLEL,
        .uid = getuid(),
        .gid = getgid(),
        .fuse_args = FUSE_ARGS_INIT(argc, argv),
    };
    struct parse p = {.o = o, .error = error, .error_size = error_size};
    error[0] = '\0';
    int err = read_and_check(&p);
    for (unsigned i = 0; i < p.count; i++)
        free(p.words[i]);
    if (err == 0)
        return 0;
    options_free(o);
    return -EINVAL;
}

void options_free(struct options *o)
{
    free(o->base_url);
    free(o->unix_socket);
    free(o->mountpoint);
    free(o->source);
    free(o->api_key_file);
    free(o->ca_file);
    free(o->audit_file);
    free(o->sandbox_file);
    fuse_opt_free_args(&o->fuse_args);
    *o = (struct options){0};
}

void options_usage(FILE *to)
{
    fputs("Usage: bigdatafs [SOURCE] MOUNTPOINT [-o OPTION[,OPTION]...]\n"
          "       bigdatafs --sandbox[=FILE] MOUNTPOINT [-o OPTION[,OPTION]...]\n"
          "Mount the connectors of Bigdata.com as a file system.\n"
          "\n"
          "  SOURCE               base URL of the API (BIGDATA_API_BASE_URL, else\n"
          "                       " DEFAULT_SOURCE "), or unix:/PATH of a socket\n"
          "  --sandbox[=FILE]     an API of its own to try things on: no key, no network;\n"
          "                       FILE keeps its connectors\n"
          "  -f                   stay in the foreground\n"
          "  -d                   -f, and tell of requests that are sent again\n"
          "  -h, --help           show this and end\n"
          "  -V, --version        show the version and end\n"
          "\n"
          "Options after -o:\n"
          "  api_key_file=FILE    the API key (else BIGDATA_API_KEY, else a file: see the manual)\n"
          "  cacert=FILE          trust these certificates in place of the system's\n"
          "  ttl=SECONDS          how old the list of connectors may become (30)\n"
          "  stale=SECONDS        how long after that it is served while the API fails (300)\n"
          "  timeout=SECONDS      for an operation, all attempts included (30)\n"
          "  guard=N              single deletions allowed in 60 seconds, 0: any number (100)\n"
          "  confirm=id           hard deletes need the connector's id, no other word\n"
          "  dry_run              record deletions and refuse them, send none\n"
          "  audit=FILE           the record of deletions\n"
          "  parallel=N           deletions of the bulk files at once (64)\n"
          "  nofail               mount even when the first list cannot be fetched\n"
          "  uid=N gid=N umask=OCTAL\n"
          "                       owner and permissions of what is shown\n"
          "  sandbox[=FILE]       as --sandbox\n"
          "  ro, allow_other and others of mount(8) and mount.fuse3(8)\n"
          "\n"
          "fusermount3 -u MOUNTPOINT ends a mount. The manual: man bigdatafs\n",
          to);
}
