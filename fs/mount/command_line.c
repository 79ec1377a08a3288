#include "bigdatafs/mount/command_line.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mountpoint.h"
#include "option_table.h"
#include "source.h"

_Static_assert(sizeof(uid_t) == sizeof(unsigned) && sizeof(gid_t) == sizeof(unsigned) &&
                   sizeof(mode_t) == sizeof(unsigned),
               "numbers are set through unsigned pointers");

enum { WORDS_MAX = 2 };

/* A command line that is being read. */
struct parse {
    struct options *o;
    char *words[WORDS_MAX]; /* [SOURCE] MOUNTPOINT */
    unsigned count;
    char *error;
    size_t error_size;
};

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

static int parse_file(struct parse *p, const struct option_row *row, const char *arg)
{
    const char *value = strchr(arg, '=') + 1;
    if (*value == '\0')
        return refuse(p, "%s needs the name of a file after the =", arg);
    if (row->offset == offsetof(struct options, sandbox_file))
        p->o->sandbox = true;
    return set_text(p, member(p->o, row->offset), value);
}

static int parse_number(struct parse *p, const struct option_row *row, const char *arg)
{
    const char *value = strchr(arg, '=') + 1;
    bool octal = row->kind == OPTION_OCTAL;
    char *end;
    errno = 0;
    unsigned long parsed = strtoul(value, &end, octal ? 8 : 10);
    bool ok = *value >= '0' && *value <= '9' && *end == '\0' && errno == 0;
    if (ok && parsed >= row->min && parsed <= row->max) {
        *(unsigned *)member(p->o, row->offset) = (unsigned)parsed;
        return 0;
    }
    if (octal)
        return refuse(p, "-o %.100s: %s must be an octal number from %o to %o", arg, row->name,
                      row->min, row->max);
    return refuse(p, "-o %.100s: %s must be a number from %u to %u", arg, row->name, row->min,
                  row->max);
}

static int parse_word_option(struct parse *p, const struct option_row *row, const char *arg)
{
    if (strcmp(strchr(arg, '=') + 1, row->argument) != 0)
        return refuse(p, "-o %.100s: only %s=%s is known", arg, row->name, row->argument);
    *(bool *)member(p->o, row->offset) = true;
    return 0;
}

static int parse_kinds(struct parse *p, const struct option_row *row, const char *arg)
{
    static const enum deletion_kinds kinds[] = {DELETE_ALL, DELETE_ARCHIVES, DELETE_NONE};
    const char *word = strchr(arg, '=') + 1;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(word, deletion_kinds_word(kinds[i])) != 0)
            continue;
        *(enum deletion_kinds *)member(p->o, row->offset) = kinds[i];
        return 0;
    }
    return refuse(p, "-o %.100s: delete must be all, archive or none", arg);
}

/* 1 leaves the argument to libfuse as well, 0 takes it away, -1 is an error. */
static int parse_option(struct parse *p, const struct option_row *row, const char *arg)
{
    switch (row->kind) {
    case OPTION_FILE:
        return parse_file(p, row, arg);
    case OPTION_NUMBER:
    case OPTION_OCTAL:
        return parse_number(p, row, arg);
    case OPTION_WORD:
        return parse_word_option(p, row, arg);
    case OPTION_KINDS:
        return parse_kinds(p, row, arg);
    case OPTION_FLAG:
        *(bool *)member(p->o, row->offset) = true;
        return 0;
    case OPTION_DEBUG:
        p->o->debug = p->o->foreground = true;
        return 0;
    case OPTION_RO:
    case OPTION_RW:
        p->o->read_only = row->kind == OPTION_RO;
        return 1;
    case OPTION_DISCARD:
        return 0;
    }
    return -1;
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

/* fuse_opt's callback; key is the row of the option. */
static int on_argument(void *data, const char *arg, int key, struct fuse_args *rest)
{
    (void)rest;
    struct parse *p = data;
    if (key >= 0)
        return parse_option(p, &option_table[key], arg);
    if (key == FUSE_OPT_KEY_NONOPT)
        return parse_word(p, arg);
    if (arg[0] == '-')
        return refuse(p, "there is no option %.100s: see bigdatafs --help", arg);
    if (strcmp(arg, "allow_other") == 0 || strcmp(arg, "allow_root") == 0)
        p->o->shared = true;
    return strncmp(arg, "x-", 2) != 0; /* what begins with x- is a comment in /etc/fstab */
}

/* What fuse_opt is to look for: "ttl=" takes an argument, "nofail" none. */
static int read_arguments(struct parse *p)
{
    enum { TEMPLATE_SIZE = 32 };
    struct fuse_opt *templates = calloc(option_count + 1, sizeof *templates);
    char(*names)[TEMPLATE_SIZE] = calloc(option_count, sizeof *names);
    int err = templates == NULL || names == NULL ? no_memory(p) : 0;
    for (size_t i = 0; err == 0 && i < option_count; i++) {
        const struct option_row *row = &option_table[i];
        snprintf(names[i], sizeof names[i], "%s%s", row->name, row->argument != NULL ? "=" : "");
        templates[i] = (struct fuse_opt){.templ = names[i], .offset = UINT_MAX, .value = (int)i};
    }
    if (err == 0 && fuse_opt_parse(&p->o->fuse_args, p, templates, on_argument) < 0)
        err = refuse(p, "-o needs a list of options after it: see bigdatafs --help");
    free(names);
    free(templates);
    return err;
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
            given = OPTIONS_DEFAULT_SOURCE;
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

static int check_mountpoint(struct parse *p)
{
    const char *given = p->words[p->count - 1];
    return mountpoint_check(given, &p->o->mountpoint, p->error, p->error_size);
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
    for (size_t i = 0; err == 0 && i < option_count; i++)
        if (option_table[i].kind == OPTION_FILE)
            err = make_absolute(p, member(p->o, option_table[i].offset));
    return err;
}

/* What libfuse gets besides the options that it was left. Permissions are for the kernel to check
 * where others can get in; the owner of a mount of one's own may do everything that there is to do,
 * and rm asks nothing about files that are write-protected. */
static int add_fuse_options(struct parse *p)
{
    char *list = NULL, *name;
    if (asprintf(&name, "fsname=%s", p->o->source) < 0)
        return no_memory(p);
    const char *ours = p->o->shared ? "default_permissions,subtype=bigdatafs" : "subtype=bigdatafs";
    bool ok = fuse_opt_add_opt(&list, ours) == 0 && fuse_opt_add_opt_escaped(&list, name) == 0 &&
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

int command_line_parse(int argc, char **argv, struct options *o, char *error, size_t error_size)
{
    *o = (struct options){.fuse_args = FUSE_ARGS_INIT(argc, argv)};
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].kind == OPTION_NUMBER)
            *(unsigned *)member(o, option_table[i].offset) = option_table[i].otherwise;
    o->uid = getuid();
    o->gid = getgid();
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

void command_line_usage(FILE *to)
{
    option_table_usage(to);
}
