/*
 * command: what the content of a write to a control file means. Pure functions.
 */
#ifndef BIGDATAFS_INODE_COMMAND_H
#define BIGDATAFS_INODE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/base/uuid.h"

/* Whether the len bytes ask for the hard delete of the connector with this id: 1, true, yes, delete
 * or the id, with at most one newline after it; with confirm_id only the id. 0 or -EINVAL. */
int command_force_delete(const char *text, size_t len, const char *id, bool confirm_id) MUST_CHECK;

/* What an earlier write to a bulk control file left for the next one; zero before the first. */
struct command_lines {
    uint64_t next;       /* the offset at which it has to go on */
    size_t len;          /* of line */
    bool taken;          /* line is a whole id, and was taken already */
    char line[UUID_LEN]; /* the line that it ended in */
};

/* Whether the last write ended inside a line that nobody went on with: nothing was taken of it. */
bool command_is_unfinished(const struct command_lines *lines);
/* Whether that line is a whole id, which lacks its newline alone. */
bool command_lacks_newline(const struct command_lines *lines);
/* If the last write ended inside a line, it cannot be gone on with any more: what follows has to
 * begin anew, at offset 0. */
void command_give_up(struct command_lines *lines);

/* What is written, and where in the file. */
struct command_text {
    uint64_t offset;
    size_t len;
    const char *text;
};

/* Takes the ids of a write, one a line: *ids is the caller's, each id is in it once. Programs write
 * through buffers, so a line may go on in the write that follows this one in the file, if this one
 * has at least one id. An id without a newline at the end of a write is taken when the write is
 * nothing else than this id; in a longer write it may be the start of a longer line, and is taken
 * with the newline that follows. A write at offset 0 may begin anew, unless a line is unfinished.
 * -EINVAL: a line is no id, or the offset is not the next: *lines is as it was, there is nothing
 * to free, and *count is the number of good lines before the bad one. -ENOMEM. */
int command_ids(struct command_lines *lines, const struct command_text *write, uuid_text **ids,
                size_t *count) MUST_CHECK;

#endif
