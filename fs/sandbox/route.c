#include "route.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { ROUTE_WORD_SIZE = 32 };

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in len bytes to out; false when it is malformed, holds a NUL or is too long. */
static bool decode(const char *from, size_t len, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = from[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_value(from[i + 1]) : -1;
            int low = i + 2 < len ? hex_value(from[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

enum route route_match(const char *path, char id[static ROUTE_ID_SIZE])
{
    static const char *const fixed[] = {"contents", "v1", "connectors"};
    id[0] = '\0';
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        char word[ROUTE_WORD_SIZE];
        if (*path++ != '/')
            return ROUTE_UNKNOWN;
        size_t len = strcspn(path, "/");
        if (!decode(path, len, word, sizeof word) || strcmp(word, fixed[i]) != 0)
            return ROUTE_UNKNOWN;
        path += len;
    }
    if (*path == '\0')
        return ROUTE_LIST;
    path++;
    size_t len = strcspn(path, "/");
    if (len == 0 || path[len] == '/')
        return ROUTE_UNKNOWN;
    if (!decode(path, len, id, ROUTE_ID_SIZE))
        id[0] = '\0';
    return ROUTE_CONNECTOR;
}

static enum route_force force_value(const char *from, size_t len)
{
    char value[ROUTE_WORD_SIZE];
    if (!decode(from, len, value, sizeof value))
        return ROUTE_FORCE_INVALID;
    if (strcmp(value, "true") == 0 || strcmp(value, "True") == 0 || strcmp(value, "1") == 0)
        return ROUTE_HARD_DELETE;
    return strcmp(value, "false") == 0 ? ROUTE_ARCHIVE : ROUTE_FORCE_INVALID;
}

enum route_force route_force_delete(const char *query)
{
    enum route_force force = ROUTE_ARCHIVE;
    bool seen = false;
    while (*query != '\0') {
        size_t len = strcspn(query, "&");
        size_t name_len = strcspn(query, "=&");
        char name[ROUTE_WORD_SIZE];
        if (decode(query, name_len, name, sizeof name) && strcmp(name, "force_delete") == 0) {
            if (seen || name_len == len)
                return ROUTE_FORCE_INVALID;
            seen = true;
            force = force_value(query + name_len + 1, len - name_len - 1);
        }
        query += len;
        if (*query == '&')
            query++;
    }
    return force;
}

/* The next element of a comma-separated list, without the space around it; false at the end. */
static bool next_element(const char **list, const char **element, size_t *len)
{
    const char *at = *list + strspn(*list, ", \t");
    if (*at == '\0')
        return false;
    size_t n = strcspn(at, ",");
    *list = at + n;
    while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
        n--;
    *element = at;
    *len = n;
    return true;
}

/* Whether the parameters of an encoding, "q=0.000" in any length, refuse it. */
static bool is_refused(const char *parameters, size_t len)
{
    while (len > 0 && (*parameters == ';' || *parameters == ' ' || *parameters == '\t')) {
        parameters++;
        len--;
    }
    if (len < 3 || strncasecmp(parameters, "q=0", 3) != 0)
        return false;
    for (size_t i = 3; i < len; i++)
        if (parameters[i] >= '1' && parameters[i] <= '9')
            return false;
    return true;
}

bool route_accepts_gzip(const char *accept_encoding)
{
    bool any = false;
    const char *element;
    size_t len;
    while (accept_encoding != NULL && next_element(&accept_encoding, &element, &len)) {
        size_t name = 0;
        while (name < len && element[name] != ';' && element[name] != ' ')
            name++;
        bool taken = !is_refused(element + name, len - name);
        if (name == 4 && strncasecmp(element, "gzip", name) == 0)
            return taken;
        if (name == 1 && *element == '*')
            any = taken;
    }
    return any;
}

bool route_etag_matches(const char *if_none_match, const char *etag)
{
    if (strncmp(etag, "W/", 2) == 0)
        etag += 2;
    const char *element;
    size_t len;
    while (next_element(&if_none_match, &element, &len)) {
        if (len == 1 && *element == '*')
            return true;
        if (len > 2 && strncmp(element, "W/", 2) == 0) {
            element += 2;
            len -= 2;
        }
        if (len == strlen(etag) && memcmp(element, etag, len) == 0)
            return true;
    }
    return false;
}
