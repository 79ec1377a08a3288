/*
 * caller: what a program means by rmdir(2), by its name and the words of its command line. GNU mv
 * makes room with it, tar too, and rm ends with it although all its questions were declined: none
 * of them asks for a connector to be archived. Pure functions.
 */
#ifndef BIGDATAFS_FUSE_CALLER_H
#define BIGDATAFS_FUSE_CALLER_H

#include <stdbool.h>
#include <stddef.h>

enum caller {
    CALLER_MEANS_IT,   /* the directory is to go, whatever is in it */
    CALLER_ASKS,       /* it is to go if it is empty: the program relies on ENOTEMPTY */
    CALLER_MAKES_ROOM, /* something else is to be put in its place: nobody wants it gone */
};

/* Whether the name alone does not tell, so that the words of the command line are needed. */
bool caller_needs_words(const char *name);

/* name: of the process in /proc, "" when it cannot be seen, which counts as one that asks. words:
 * its command line, each word ended by a NUL, len bytes; one that cannot be read is empty, and
 * counts as the most careful one that it may be. */
enum caller caller_of(const char *name, const char *words, size_t len);

#endif
