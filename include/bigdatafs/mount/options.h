/*
 * options: the command line, checked as far as it can be before anything is started or sent.
 * bigdatafs(1), OPTIONS, has the meaning of each one.
 *
 * All strings belong to the struct. Paths are absolute: the program leaves its directory when it
 * goes to the background.
 */
#ifndef BIGDATAFS_MOUNT_OPTIONS_H
#define BIGDATAFS_MOUNT_OPTIONS_H

#include <fuse_opt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "bigdatafs/base/compiler.h"

enum {
    OPTIONS_TTL_S = 30,
    OPTIONS_STALE_S = 300,
    OPTIONS_TTL_MAX_S = 86400,
    OPTIONS_STALE_MAX_S = 604800,
    OPTIONS_TIMEOUT_S = 30,
    OPTIONS_TIMEOUT_MAX_S = 3600,
    OPTIONS_GUARD = 100,
    OPTIONS_GUARD_MAX = 1000000,
    OPTIONS_PARALLEL = 64,
    OPTIONS_PARALLEL_MAX = 1024,
};

#define OPTIONS_SANDBOX_SOURCE "bigdatafs-sandbox"

struct options {
    char *base_url;     /* without a final slash; NULL with sandbox */
    char *unix_socket;  /* path, or NULL */
    bool local;         /* loopback or a Unix socket */
    char *mountpoint;   /* resolved */
    char *source;       /* as given: for /proc/mounts and messages */
    char *api_key_file; /* or NULL */
    char *ca_file;      /* or NULL */
    char *audit_file;
    char *sandbox_file; /* or NULL: the sandbox's database is in memory */
    unsigned ttl_s, stale_s, timeout_s;
    unsigned guard; /* 0: none */
    unsigned parallel;
    bool sandbox, nofail, read_only, foreground, debug, confirm_id, dry_run;
    bool help, version; /* with one of them nothing else is set or checked */
    uid_t uid;
    gid_t gid;
    mode_t umask;
    struct fuse_args fuse_args; /* argv[0] and what is libfuse's to parse, for fuse_session_new */
};

/* 0, and *o is to be freed; or -EINVAL, one sentence in error that says what is wrong and what to
 * do, and nothing to free. */
int options_parse(int argc, char **argv, struct options *o, char *error,
                  size_t error_size) MUST_CHECK;
void options_free(struct options *o);
void options_usage(FILE *to);

#endif
