#include "option_table.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bigdatafs/mount/options.h"

#define MEMBER(name) offsetof(struct options, name)

enum {
    TTL_MAX_S = 86400,
    STALE_MAX_S = 604800,
    TIMEOUT_MAX_S = 3600,
    GUARD_MAX = 1000000,
    PARALLEL_MAX = 1024,
    UMASK_MAX = 0777,
    HELP_COLUMN = 23,
};

/* The highest number means "unchanged" to the kernel. */
#define ID_MAX (UINT32_MAX - 1)

const struct option_row option_table[] = {
    {"--sandbox", NULL, OPTION_FLAG, MEMBER(sandbox), .help = NULL},
    {"--sandbox", "FILE", OPTION_FILE, MEMBER(sandbox_file),
     .help = "an API of its own to try things on: no key, no network;\n"
             "FILE keeps its connectors"},
    {"-f", NULL, OPTION_FLAG, MEMBER(foreground), .help = "stay in the foreground"},
    {"-d", NULL, OPTION_DEBUG, .help = "-f, and tell of requests that are sent again"},
    {"-h", NULL, OPTION_FLAG, MEMBER(help), .help = NULL},
    {"--help", NULL, OPTION_FLAG, MEMBER(help), .help = "show this and end"},
    {"-V", NULL, OPTION_FLAG, MEMBER(version), .help = NULL},
    {"--version", NULL, OPTION_FLAG, MEMBER(version), .help = "show the version and end"},
    {"api_key_file", "FILE", OPTION_FILE, MEMBER(api_key_file),
     .help = "the API key (else BIGDATA_API_KEY, else a file: see the manual)"},
    {"cacert", "FILE", OPTION_FILE, MEMBER(ca_file),
     .help = "trust these certificates in place of the system's"},
    {"ttl", "SECONDS", OPTION_NUMBER, MEMBER(ttl_s), 0, TTL_MAX_S, 30,
     "how old the list of connectors may become"},
    {"stale", "SECONDS", OPTION_NUMBER, MEMBER(stale_s), 0, STALE_MAX_S, 300,
     "how long after that it is served while the API fails"},
    {"timeout", "SECONDS", OPTION_NUMBER, MEMBER(timeout_s), 1, TIMEOUT_MAX_S, 30,
     "for an operation, all attempts included"},
    {"guard", "N", OPTION_NUMBER, MEMBER(guard), 0, GUARD_MAX, 25,
     "single deletions allowed in one go, 0: any number"},
    {"delete", "KINDS", OPTION_KINDS, MEMBER(delete_kinds),
     .help = "all, archive or none: which deletions are sent (all)"},
    {"confirm", "id", OPTION_WORD, MEMBER(confirm_id),
     .help = "hard deletes need the connector's id, no other word"},
    {"rmdir", "emptied", OPTION_WORD, MEMBER(rmdir_emptied),
     .help = "rmdir archives what shows no name any more, by any program"},
    {"dry_run", NULL, OPTION_FLAG, MEMBER(dry_run),
     .help = "record deletions and refuse them, send none"},
    {"audit", "FILE", OPTION_FILE, MEMBER(audit_file), .help = "the record of deletions"},
    {"parallel", "N", OPTION_NUMBER, MEMBER(parallel), 1, PARALLEL_MAX, 64,
     "deletions of the bulk files at once"},
    {"nofail", NULL, OPTION_FLAG, MEMBER(nofail),
     .help = "mount even when the first list cannot be fetched"},
    {"uid", "N", OPTION_NUMBER, MEMBER(uid), 0, ID_MAX, .help = "owner of what is shown"},
    {"gid", "N", OPTION_NUMBER, MEMBER(gid), 0, ID_MAX, .help = "group of what is shown"},
    {"umask", "OCTAL", OPTION_OCTAL, MEMBER(umask), 0, UMASK_MAX,
     .help = "permissions that are taken from what is shown"},
    {"sandbox", NULL, OPTION_FLAG, MEMBER(sandbox), .help = NULL},
    {"sandbox", "FILE", OPTION_FILE, MEMBER(sandbox_file), .help = "as --sandbox"},
    {"ro", NULL, OPTION_RO, .help = "refuse every change"},
    {"rw", NULL, OPTION_RW, .help = NULL},
    {"_netdev", NULL, OPTION_DISCARD, .help = NULL},
    {"defaults", NULL, OPTION_DISCARD, .help = NULL},
    {"auto", NULL, OPTION_DISCARD, .help = NULL},
    {"noauto", NULL, OPTION_DISCARD, .help = NULL},
    {"user", NULL, OPTION_DISCARD, .help = NULL},
    {"user", "NAME", OPTION_DISCARD, .help = NULL},
    {"nouser", NULL, OPTION_DISCARD, .help = NULL},
    {"users", NULL, OPTION_DISCARD, .help = NULL},
    {"comment", "TEXT", OPTION_DISCARD, .help = NULL},
};

const size_t option_count = sizeof option_table / sizeof option_table[0];

/* Writes how the option may be spelled: "ttl=SECONDS"; with the row before it, which leaves its
 * help to this one, "-h, --help" or "sandbox[=FILE]". */
static void spell(size_t i, char *text, size_t size)
{
    const struct option_row *row = &option_table[i], *before = i > 0 ? row - 1 : NULL;
    bool shared = before != NULL && before->help == NULL && before->kind == OPTION_FLAG;
    if (shared && strcmp(before->name, row->name) == 0)
        snprintf(text, size, "%s[=%s]", row->name, row->argument);
    else if (shared && before->offset == row->offset)
        snprintf(text, size, "%s, %s", before->name, row->name);
    else if (row->argument != NULL)
        snprintf(text, size, "%s=%s", row->name, row->argument);
    else
        snprintf(text, size, "%s", row->name);
}

/* One row; the lines of its help stand below each other. */
static void print_row(FILE *to, size_t i)
{
    const struct option_row *row = &option_table[i];
    const char *line = row->help;
    char spelling[HELP_COLUMN];
    spell(i, spelling, sizeof spelling);
    int used = fprintf(to, "  %s", spelling);
    while (line != NULL) {
        size_t len = strcspn(line, "\n");
        fprintf(to, "%*s%.*s", HELP_COLUMN - used, "", (int)len, line);
        line = line[len] == '\n' ? line + len + 1 : NULL;
        if (line == NULL && row->kind == OPTION_NUMBER && row->otherwise != 0)
            fprintf(to, " (%u)", row->otherwise);
        fputc('\n', to);
        used = 0;
    }
}

static void print_rows(FILE *to, bool with_dash)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].help != NULL && (option_table[i].name[0] == '-') == with_dash)
            print_row(to, i);
}

void option_table_usage(FILE *to)
{
    fputs("Usage: bigdatafs [SOURCE] MOUNTPOINT [-o OPTION[,OPTION]...]\n"
          "       bigdatafs --sandbox[=FILE] MOUNTPOINT [-o OPTION[,OPTION]...]\n"
          "Mount the connectors of Bigdata.com as a file system.\n"
          "\n"
          "  SOURCE               base URL of the API (BIGDATA_API_BASE_URL, else\n"
          "                       " OPTIONS_DEFAULT_SOURCE "), or unix:/PATH of a socket\n",
          to);
    print_rows(to, true);
    fputs("\nOptions after -o:\n", to);
    print_rows(to, false);
    fputs("  allow_other and others of mount(8) and mount.fuse3(8)\n"
          "\n"
          "fusermount3 -u MOUNTPOINT ends a mount. The manual: man bigdatafs\n",
          to);
}
