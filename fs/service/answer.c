#include "answer.h"

bool answer_is(const struct http_answer *a, long status)
{
    return a->failure == FAILURE_NONE && a->status == status;
}

static bool is_fault_status(long status)
{
    return status >= 500 && status != 501;
}

bool answer_is_from_service(const struct http_answer *a)
{
    return a->failure == FAILURE_NONE && !is_fault_status(a->status);
}

bool answer_is_outage(const struct http_answer *a)
{
    switch (a->failure) {
    case FAILURE_UNREACHABLE:
    case FAILURE_TIMEOUT:
    case FAILURE_BROKEN:
        return true;
    case FAILURE_NONE:
        return is_fault_status(a->status);
    default:
        return false;
    }
}
