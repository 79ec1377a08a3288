#include "bigdatafs/service/service.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_owner.h"
#include "client.h"
#include "credential.h"
#include "http.h"

struct service {
    struct credential *credential;
    struct http *http;
    struct client *client;
    struct api *api;
};

static int make_client(struct service *s, const struct service_config *config)
{
    struct client_parts parts = {.loop = config->loop,
                                 .log = config->log,
                                 .http = s->http,
                                 .rekey = credential_rekey,
                                 .rekey_arg = s->credential};
    return client_new(&parts, &s->client);
}

static int make_parts(struct service *s, const struct service_config *config)
{
    struct http_config http = {.base_url = config->base_url,
                               .unix_socket = config->unix_socket,
                               .ca_file = config->ca_file,
                               .local = config->local,
                               .connections = config->connections};
    struct credential_config credential = {.api_key_file = config->api_key_file,
                                           .fixed_key = config->fixed_key,
                                           .mountpoint = config->mountpoint};
    int err = http_new(config->loop, &http, &s->http);
    if (err == 0)
        err = credential_new(config->loop, &credential, &s->credential);
    if (err == 0)
        err = make_client(s, config);
    if (err == 0)
        credential_set_client(s->credential, s->client);
    if (err == 0)
        err = api_new(config->loop, s->client, config->timeout_s, &s->api);
    return err;
}

int service_new(const struct service_config *config, struct service **out, char *error,
                size_t error_size)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        free(s);
        snprintf(error, error_size, "cannot start: %s", strerror(ENOMEM));
        return -ENOMEM;
    }
    int err = make_parts(s, config);
    if (err < 0)
        snprintf(error, error_size, "cannot start: %s", strerror(-err));
    else
        err = credential_load(s->credential, s->http, error, error_size);
    if (err < 0) {
        service_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void service_free(struct service *s)
{
    if (s == NULL)
        return;
    api_free(s->api);
    client_free(s->client);
    http_free(s->http);
    credential_free(s->credential);
    free(s);
    curl_global_cleanup();
}

struct api *service_api(struct service *s)
{
    return s->api;
}

const struct service_stats *service_stats(const struct service *s)
{
    return client_stats(s->client);
}
