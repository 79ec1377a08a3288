#include "bigdatafs/mount/options.h"

#include <stdlib.h>

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
