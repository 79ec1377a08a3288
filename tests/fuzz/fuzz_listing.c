/* However the bytes of a list are split into pieces, the outcome is the same. */
#include <string.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/connector/name.h"
#include "fuzz.h"
#include "listing.h"

const char *const fuzz_seeds[] = {
    "",
    "{\"results\":[]}",
    "{\"results\":[{\"connector_id\":\"x\",\"config\":{\"a\":[1,2]}},{},{\"label\":\"\\\"]}\"}]}",
    "{\"a\":[1,-0.5e3,true,false,null,\"x\\u00e9\\n\",{}],\"results\":[{}],\"b\":{\"results\":[]}}",
    " { \"r\\u0065sults\" : [ {\"a\":\"b\"} , { } ] , \"total\" : 2 } \n",
    NULL,
};

struct outcome {
    int err;
    uint64_t elements;
    uint64_t hash;
};

static int on_element(void *arg, const char *json, size_t len)
{
    struct outcome *o = arg;
    MUST(len >= 2 && json[0] == '{' && json[len - 1] == '}' && json[len] == '\0');
    o->elements++;
    o->hash = hash_bytes(json, len, o->hash);
    return 0;
}

/* Feeds pieces of 1 to limit bytes, as the bytes themselves say, or for limit 0 a single piece. */
static struct outcome parse(const uint8_t *data, size_t size, size_t limit)
{
    struct outcome o = {0};
    struct listing *l;
    size_t piece;
    MUST(listing_new(on_element, &o, &l) == 0);
    for (size_t at = 0; at < size; at += piece) {
        piece = limit > 0 ? 1 + data[at] % limit : size;
        if (piece > size - at)
            piece = size - at;
        o.err = listing_feed(l, (const char *)data + at, piece);
    }
    int finished = listing_finish(l);
    MUST(o.err == 0 || finished == o.err);
    MUST(listing_finish(l) == finished);
    o.err = finished;
    listing_free(l);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = parse(data, size, 0);
    for (size_t limit = 1; limit <= 5; limit += 4) {
        struct outcome split = parse(data, size, limit);
        MUST(split.err == whole.err);
        MUST(split.elements == whole.elements && split.hash == whole.hash);
    }
    return 0;
}
