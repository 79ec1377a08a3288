/*
 * key_file: a file that holds an API key and nothing else. All of this may block for as long as the
 * file's file system does, and touches nothing but the struct key_file, so that any thread may do
 * it.
 */
#ifndef BIGDATAFS_SERVICE_KEY_FILE_H
#define BIGDATAFS_SERVICE_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "bigdatafs/base/compiler.h"

/* Tells one content of a file from another. All members are zero for a file that is not there. */
struct identity {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

struct key_file {
    char *path;           /* owned by whoever made the struct */
    bool managed;         /* by systemd: the file may have a group */
    struct identity read; /* of the file when it was looked at last */
};

/* Where a sentence goes. */
struct sentence {
    char *text;
    size_t size;
};

/* Writes the sentence and returns err. */
int key_refuse(struct sentence *s, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Takes the line's end away and says what is wrong with the rest, or NULL. */
const char *key_check(char *text, size_t len);

/* Zeroes and frees a key; NULL is fine. */
void key_wipe(char *key);

/* *key is the caller's, to be wiped. */
int key_file_read(struct key_file *f, char **key, struct sentence *s) MUST_CHECK;

/* Whether the file is to be read again: because it changed, or with refused (the service refused
 * the key that it had). One that has gone is, once: reading it then says why it cannot be read. */
bool key_file_is_due(struct key_file *f, bool refused);

#endif
