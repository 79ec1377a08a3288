/*
 * options: what a mount is to be like, as the command line says; bigdatafs(1), OPTIONS, has the
 * meaning of each one.
 *
 * All strings belong to the struct. Paths are absolute: the program leaves its directory when it
 * goes to the background.
 */
#ifndef BIGDATAFS_MOUNT_OPTIONS_H
#define BIGDATAFS_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

#include "bigdatafs/deletion/deletion.h"
#include "bigdatafs/kernel/libfuse.h"

#define OPTIONS_DEFAULT_SOURCE "https://api.bigdata.com"
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
    enum deletion_kinds delete_kinds;
    bool sandbox, nofail, read_only, foreground, debug, confirm_id, dry_run, rmdir_emptied;
    bool shared;        /* allow_other or allow_root: others than the owner can get in */
    bool help, version; /* with one of them nothing else is set or checked */
    uid_t uid;
    gid_t gid;
    mode_t umask;
    struct fuse_args fuse_args; /* argv[0] and what is libfuse's to parse, for fuse_session_new */
};

void options_free(struct options *o);

#endif
