#include "arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "seed.h"
#include "server.h"

enum { OPTIONS_DEFAULT_RATE = 100 };

enum option_code {
    OPTION_LISTEN = 256,
    OPTION_DB,
    OPTION_KEY_FILE,
    OPTION_ACCESS_LOG,
    OPTION_SEED,
    OPTION_RATE,
    OPTION_LATENCY,
    OPTION_LIFELINE,
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"db", required_argument, NULL, OPTION_DB},
    {"api-key-file", required_argument, NULL, OPTION_KEY_FILE},
    {"access-log", required_argument, NULL, OPTION_ACCESS_LOG},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"delete-rate", required_argument, NULL, OPTION_RATE},
    {"latency", required_argument, NULL, OPTION_LATENCY},
    {"lifeline", required_argument, NULL, OPTION_LIFELINE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

void options_help(void)
{
    fputs(
        "Usage: bigdatafs-sandbox [OPTION]...\n"
        "Serve the connectors of the Content API from a database of your own.\n"
        "\n"
        "  --listen ADDRESS     unix:PATH, 127.0.0.1:PORT, [::1]:PORT or localhost:PORT\n"
        "                       (default 127.0.0.1:0, a free port)\n"
        "  --db FILE            keep the connectors in FILE (default: in memory)\n"
        "  --seed N             fill an empty database with N connectors\n"
        "  --api-key-file FILE  accept the key in FILE's first line (default: any key)\n"
        "  --delete-rate N      a hard delete takes N files per second (default 100, 0: at once)\n"
        "  --latency MS         delay every answer by MS milliseconds\n"
        "  --access-log FILE    append a JSON line per request\n"
        "  --lifeline FD        end when descriptor FD reaches its end\n"
        "  -h, --help           show this and end\n"
        "  -V, --version        show the version and end\n",
        stdout);
}

/* Says that an option's argument is not what it must be. */
static int refuse(const char *option, const char *value, const char *must)
{
    fprintf(stderr, "bigdatafs-sandbox: --%s %s: it must be %s.\n", option, value, must);
    return -EINVAL;
}

static int parse_number(const char *option, const char *value, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || n > (unsigned long long)max) {
        char must[64];
        (void)snprintf(must, sizeof must, "a number from 0 to %lld", (long long)max);
        return refuse(option, value, must);
    }
    *out = (int64_t)n;
    return 0;
}

static int parse_lifeline(const char *value, int *fd)
{
    int64_t n;
    int err = parse_number("lifeline", value, INT32_MAX, &n);
    if (err < 0)
        return err;
    *fd = (int)n;
    if (fcntl(*fd, F_SETFD, FD_CLOEXEC) < 0)
        return refuse("lifeline", value, "an open descriptor");
    return 0;
}

static int parse_one(int code, const char *value, struct options *o)
{
    switch (code) {
    case OPTION_LISTEN:
        if (listen_parse(value, &o->endpoint) < 0)
            return refuse("listen", value,
                          "unix:PATH (short), 127.0.0.1:PORT, [::1]:PORT or "
                          "localhost:PORT");
        return 0;
    case OPTION_DB:
        o->db = value;
        return 0;
    case OPTION_KEY_FILE:
        o->api_key_file = value;
        return 0;
    case OPTION_ACCESS_LOG:
        o->access_log = value;
        return 0;
    case OPTION_SEED:
        return parse_number("seed", value, SEED_MAX, &o->seed);
    case OPTION_RATE:
        return parse_number("delete-rate", value, OPTIONS_RATE_MAX, &o->delete_rate);
    case OPTION_LATENCY:
        return parse_number("latency", value, SERVER_LATENCY_MAX, &o->latency);
    case OPTION_LIFELINE:
        return parse_lifeline(value, &o->lifeline);
    case 'h':
        o->action = OPTIONS_HELP;
        return 0;
    case 'V':
        o->action = OPTIONS_VERSION;
        return 0;
    default:
        return -EINVAL; /* getopt said why */
    }
}

int options_parse(int argc, char **argv, struct options *out)
{
    *out = (struct options){.delete_rate = OPTIONS_DEFAULT_RATE, .lifeline = -1};
    int err = listen_parse("127.0.0.1:0", &out->endpoint);
    int code;
    while (err == 0 && out->action == OPTIONS_SERVE &&
           (code = getopt_long(argc, argv, "hV", long_options, NULL)) != -1)
        err = parse_one(code, optarg, out);
    if (err == 0 && out->action == OPTIONS_SERVE && optind < argc) {
        fprintf(stderr, "bigdatafs-sandbox: unexpected argument: %s.\n", argv[optind]);
        err = -EINVAL;
    }
    return err;
}
