/*
 * option_table: every option of the command line, one row each: how it is written, what it sets,
 * its range and default, and what --help says of it. command_line.c reads by it.
 *
 * To add an option, add a member to struct options, a row here, and a paragraph to bigdatafs(1).
 */
#ifndef BIGDATAFS_MOUNT_OPTION_TABLE_H
#define BIGDATAFS_MOUNT_OPTION_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum option_kind {
    OPTION_FILE,    /* the name of a file: a char * */
    OPTION_NUMBER,  /* an unsigned */
    OPTION_OCTAL,   /* the same, written in octal digits */
    OPTION_FLAG,    /* a bool, which it makes true */
    OPTION_WORD,    /* the same; its argument must be the one word that the table names */
    OPTION_KINDS,   /* a word for what is deleted: an enum deletion_kinds */
    OPTION_RO,      /* read_only, which libfuse is told as well */
    OPTION_RW,      /* its opposite */
    OPTION_DEBUG,   /* debug, and foreground */
    OPTION_DISCARD, /* taken for mount(8)'s sake, and without effect */
};

struct option_row {
    const char *name;     /* "ttl", "--sandbox", "-f" */
    const char *argument; /* what --help calls it, or the word itself; NULL: it takes none */
    enum option_kind kind;
    size_t offset;                /* of the member of struct options that it sets */
    unsigned min, max, otherwise; /* of a number: its range, and the value when it is not given */
    const char *help;             /* NULL: another row speaks for it */
};

extern const struct option_row option_table[];
extern const size_t option_count;

void option_table_usage(FILE *to);

#endif
