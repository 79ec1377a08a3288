#include "bigdatafs/service/result.h"

#include <stdio.h>

bool api_says_gone(const struct api_result *result)
{
    return result->failure == FAILURE_NONE && result->status == 404;
}

void api_describe(const struct api_result *r, char *text, size_t size)
{
    if (r->failure != FAILURE_NONE)
        snprintf(text, size, "%s%s%s", failure_text(r->failure), r->message[0] != '\0' ? ": " : "",
                 r->message);
    else
        snprintf(text, size, "HTTP %ld%s%s%s%s", r->status, r->error_code[0] != '\0' ? " " : "",
                 r->error_code, r->message[0] != '\0' ? ": " : "", r->message);
}
