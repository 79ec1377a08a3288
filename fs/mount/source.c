#include "source.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"

/* What may hold a password is not repeated. */
static int refuse(char *error, size_t size, const char *source, const char *why)
{
    if (strchr(source, '@') != NULL)
        snprintf(error, size, "the SOURCE cannot be mounted: %s", why);
    else
        snprintf(error, size, "\"%.200s\" cannot be mounted: %s", source, why);
    return -EINVAL;
}

void source_free(struct source *b)
{
    free(b->url);
    free(b->unix_socket);
    *b = (struct source){0};
}

static int parse_unix(const char *source, struct source *out, char *error, size_t size)
{
    const char *path = source + strlen(UNIX_PREFIX);
    if (path[0] != '/')
        return refuse(error, size, source,
                      "unix: needs an absolute path, as in unix:/run/api.sock");
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return refuse(error, size, source, "the path is too long for a Unix socket");
    out->url = strdup("http://localhost");
    out->unix_socket = strdup(path);
    out->local = true;
    return out->url != NULL && out->unix_socket != NULL ? 0 : -ENOMEM;
}

/* host: as libcurl wrote it, so numbers are in their plain form. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static bool has(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(u, part, &text, 0);
    curl_free(text);
    return code == CURLUE_OK;
}

/* Why the URL is refused, or NULL. */
static const char *check_parts(CURLU *u, const char *scheme, const char *host, bool *local)
{
    bool plain = strcmp(scheme, "http") == 0;
    *local = is_loopback(host);
    if (!plain && strcmp(scheme, "https") != 0)
        return "it must begin with https:// or unix:/";
    if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD))
        return "a user or password does not belong into it; the API key comes from "
               "-o api_key_file= or BIGDATA_API_KEY";
    if (has(u, CURLUPART_QUERY) || has(u, CURLUPART_FRAGMENT))
        return "it must end before any ? or #";
    if (plain && !*local)
        return "http:// would send the API key in the clear: use https://";
    return NULL;
}

static int parse_url(CURLU *u, const char *source, struct source *out, char *error, size_t size)
{
    char *scheme = NULL, *host = NULL, *url = NULL;
    CURLUcode code = curl_url_set(u, CURLUPART_URL, source, CURLU_NON_SUPPORT_SCHEME);
    const char *why = NULL;
    if (code == CURLUE_OUT_OF_MEMORY)
        return -ENOMEM;
    if (code != CURLUE_OK || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0')
        why = "it is no URL; an example is https://api.bigdata.com";
    else
        why = check_parts(u, scheme, host, &out->local);
    if (why == NULL && curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK)
        out->url = strdup(url);
    curl_free(scheme);
    curl_free(host);
    curl_free(url);
    if (why != NULL)
        return refuse(error, size, source, why);
    for (size_t len = out->url != NULL ? strlen(out->url) : 0; len > 0 && out->url[len - 1] == '/';
         len--)
        out->url[len - 1] = '\0';
    return out->url != NULL ? 0 : -ENOMEM;
}

int source_parse(const char *source, struct source *out, char *error, size_t error_size)
{
    *out = (struct source){0};
    int err;
    if (strlen(source) > SOURCE_MAX) {
        err = refuse(error, error_size, source, "it is too long");
    } else if (strncmp(source, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
        err = parse_unix(source, out, error, error_size);
    } else {
        CURLU *u = curl_url();
        err = u == NULL ? -ENOMEM : parse_url(u, source, out, error, error_size);
        curl_url_cleanup(u);
    }
    if (err == -ENOMEM)
        snprintf(error, error_size, "out of memory");
    if (err < 0)
        source_free(out);
    return err;
}
