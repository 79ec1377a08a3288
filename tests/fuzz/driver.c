/*
 * fuzz_X [ROUNDS [SEED]]: feeds the target its seeds and then ROUNDS mutations of them. The same
 * arguments give the same inputs, so a failure comes back when the test is run again.
 */
#include <string.h>

#include "fuzz.h"

enum { DEFAULT_ROUNDS = 100000, INPUT_MAX = 4096, CHANGES_MAX = 6 };

static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\\"",
    "\\u0000",
    "\\ud83d",
    "\\ude00",
    "\\u00e9",
    "null",
    "true",
    "false",
    "-0",
    "1e999",
    "\"a\":",
    "{\"a\":",
    "[[",
    "results",
    "..",
    "/",
    "%",
    "%~h",
    "%~2",
    "%~e",
    "\xc0\x80",
    "\xf0\x9f\x98\x80",
    "\xff",
    "9007199254740993",
    "connector.json",
    "019a9612-bfad-758c-884e-37dd8c6ad2cb",
};

struct input {
    uint8_t bytes[INPUT_MAX];
    size_t len;
};

/* The generator xorshift64*: it is small, and gives the same numbers everywhere. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

static size_t below(uint64_t *state, size_t limit)
{
    return limit > 0 ? (size_t)(next_random(state) >> 16) % limit : 0;
}

static void insert(struct input *in, size_t at, const void *bytes, size_t len)
{
    if (len > INPUT_MAX - in->len)
        return;
    memmove(in->bytes + at + len, in->bytes + at, in->len - at);
    memcpy(in->bytes + at, bytes, len);
    in->len += len;
}

static void change(struct input *in, uint64_t *state)
{
    uint8_t piece[64];
    size_t at = below(state, in->len + 1);
    size_t len = below(state, in->len - at + 1);
    const char *token = tokens[below(state, sizeof tokens / sizeof tokens[0])];
    uint8_t byte = (uint8_t)next_random(state);

    switch (below(state, 6)) {
    case 0:
        if (at < in->len)
            in->bytes[at] ^= (uint8_t)(1u << (byte & 7));
        break;
    case 1:
        insert(in, at, &byte, 1);
        break;
    case 2:
        len = len < 8 ? len : 1;
        len = at + len > in->len ? in->len - at : len;
        memmove(in->bytes + at, in->bytes + at + len, in->len - at - len);
        in->len -= len;
        break;
    case 3: /* repeats a piece of the input elsewhere */
        len = len < sizeof piece ? len : sizeof piece;
        memcpy(piece, in->bytes + at, len);
        insert(in, below(state, in->len + 1), piece, len);
        break;
    default:
        insert(in, at, token, strlen(token));
        break;
    }
}

/* The target gets a copy of exactly len bytes on the heap: sanitizers see each read past it. */
static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    MUST(copy != NULL);
    memcpy(copy, bytes, len);
    MUST(LLVMFuzzerTestOneInput(copy, len) == 0);
    free(copy);
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_ROUNDS;
    uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (state == 0)
        state = 1; /* xorshift never leaves 0 */
    size_t seeds = 0;
    for (; fuzz_seeds[seeds] != NULL; seeds++)
        run((const uint8_t *)fuzz_seeds[seeds], strlen(fuzz_seeds[seeds]));
    for (unsigned long i = 0; i < rounds; i++) {
        const char *seed = fuzz_seeds[below(&state, seeds)];
        struct input in = {.len = strlen(seed)};
        MUST(in.len <= INPUT_MAX);
        memcpy(in.bytes, seed, in.len);
        /* Mostly there are few changes: many break the syntax, and no parser gets past that. */
        for (size_t n = 1 + below(&state, 1 + below(&state, CHANGES_MAX)); n > 0; n--)
            change(&in, &state);
        run(in.bytes, in.len);
    }
    printf("%zu seeds, %lu rounds passed\n", seeds, rounds);
    return 0;
}
