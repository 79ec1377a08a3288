/*
 * command_line: options from the arguments of the program, checked as far as they can be before
 * anything is started or sent.
 */
#ifndef BIGDATAFS_MOUNT_COMMAND_LINE_H
#define BIGDATAFS_MOUNT_COMMAND_LINE_H

#include <stddef.h>
#include <stdio.h>

#include "bigdatafs/base/compiler.h"
#include "bigdatafs/mount/options.h"

/* 0, and *o is to be freed with options_free; or -EINVAL, one sentence in error that says what is
 * wrong and what to do, and nothing to free. */
int command_line_parse(int argc, char **argv, struct options *o, char *error,
                       size_t error_size) MUST_CHECK;

void command_line_usage(FILE *to);

#endif
