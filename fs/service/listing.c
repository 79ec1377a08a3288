/*
 * The push parser of listing.h. It takes one byte at a time outside elements, and runs of bytes
 * inside them. The table's last column has the open brackets, by what closes them, the innermost
 * last.
 *
 *   state              the next byte is                                  what is open
 *   START              '{' of the answer                                 nothing
 *   FIRST_KEY          '"' of a key, or '}'                              any, then '}'
 *   KEY                '"' of a key, after a comma                       any, then '}'
 *   COLON              ':'                                               any, then '}'
 *   VALUE              the first byte of a value that is skipped         any, then '}' or ']'
 *   FIRST_VALUE        the same, or ']'                                  any, then ']'
 *   AFTER_VALUE        ',' or the closing bracket                        any, then '}' or ']'
 *   STRING             in a string, which is a key when in_key is set    any, then '}' or ']'
 *   ESCAPE             in that string, after a backslash                 any, then '}' or ']'
 *   HEX                in that string, one of hex_left digits after \u   any, then '}' or ']'
 *   LITERAL            the next byte of literal (true, false, null)      any, then '}' or ']'
 *   NUMBER             in a number, of which number tells what was read  any, then '}' or ']'
 *   RESULTS            '[' of the member "results"                       '}'
 *   FIRST_ELEMENT      '{' of an element, or ']'                         '}' ']'
 *   ELEMENT            '{' of an element, after a comma                  '}' ']'
 *   AFTER_ELEMENT      ',' or ']'                                        '}' ']'
 *   IN_ELEMENT         in an element, outside its strings                '}' ']' '}', then any
 *   IN_ELEMENT_STRING  in a string of an element                         '}' ']' '}', then any
 *   IN_ELEMENT_ESCAPE  in that string, after a backslash                 '}' ']' '}', then any
 *   END                white space after the answer                      nothing
 *
 * White space may stand before the next byte in every state but those in strings, literals, numbers
 * and elements. text holds the bytes of the element so far in the IN_ELEMENT states and is empty in
 * all others. results says whether the member was met. Once error is set, nothing moves.
 */
#include "listing.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum state {
    START,
    FIRST_KEY,
    KEY,
    COLON,
    VALUE,
    FIRST_VALUE,
    AFTER_VALUE,
    STRING,
    ESCAPE,
    HEX,
    LITERAL,
    NUMBER,
    RESULTS,
    FIRST_ELEMENT,
    ELEMENT,
    AFTER_ELEMENT,
    IN_ELEMENT,
    IN_ELEMENT_STRING,
    IN_ELEMENT_ESCAPE,
    END,
};

/* What of a number was read: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
enum number { MINUS, ZERO, INTEGER, POINT, FRACTION, EXP, EXP_SIGN, EXPONENT };

static const char results_key[] = "results";

struct listing {
    listing_element_fn *element;
    void *arg;
    int error; /* 0, or the negative errno that ended the parse */
    enum state state;
    enum number number;
    bool results;        /* the member "results" was met */
    bool in_key;         /* the string is a key */
    bool key_matches;    /* what was read of the string is the beginning of results_key */
    size_t key_len;      /* how much of results_key was matched */
    unsigned hex_left;   /* digits of an escape that are still to come */
    unsigned hex_value;  /* of the digits that came */
    const char *literal; /* the bytes of it that must still come */
    struct buf text;     /* the element so far */
    size_t depth;        /* how many brackets are open */
    char closers[LISTING_DEPTH_MAX]; /* what closes each of them */
};

/* The last column of the table: how many brackets are open, and what may close the innermost. */
static const struct {
    size_t least, most;
    const char *closers;
} open_in[] = {
    [START] = {0, 0, ""},
    [FIRST_KEY] = {1, LISTING_DEPTH_MAX, "}"},
    [KEY] = {1, LISTING_DEPTH_MAX, "}"},
    [COLON] = {1, LISTING_DEPTH_MAX, "}"},
    [VALUE] = {1, LISTING_DEPTH_MAX, "}]"},
    [FIRST_VALUE] = {1, LISTING_DEPTH_MAX, "]"},
    [AFTER_VALUE] = {1, LISTING_DEPTH_MAX, "}]"},
    [STRING] = {1, LISTING_DEPTH_MAX, "}]"},
    [ESCAPE] = {1, LISTING_DEPTH_MAX, "}]"},
    [HEX] = {1, LISTING_DEPTH_MAX, "}]"},
    [LITERAL] = {1, LISTING_DEPTH_MAX, "}]"},
    [NUMBER] = {1, LISTING_DEPTH_MAX, "}]"},
    [RESULTS] = {1, 1, "}"},
    [FIRST_ELEMENT] = {2, 2, "]"},
    [ELEMENT] = {2, 2, "]"},
    [AFTER_ELEMENT] = {2, 2, "]"},
    [IN_ELEMENT] = {3, LISTING_DEPTH_MAX, "}]"},
    [IN_ELEMENT_STRING] = {3, LISTING_DEPTH_MAX, "}]"},
    [IN_ELEMENT_ESCAPE] = {3, LISTING_DEPTH_MAX, "}]"},
    [END] = {0, 0, ""},
};

static bool is_in_element(enum state state)
{
    return state == IN_ELEMENT || state == IN_ELEMENT_STRING || state == IN_ELEMENT_ESCAPE;
}

static void check_invariants(const struct listing *l)
{
    if (l->error != 0)
        return;
    assert(l->depth >= open_in[l->state].least && l->depth <= open_in[l->state].most);
    assert(l->depth == 0 || strchr(open_in[l->state].closers, l->closers[l->depth - 1]) != NULL);
    assert((l->text.len > 0) == is_in_element(l->state));
    assert(l->results || !is_in_element(l->state));
    (void)open_in;
}

int listing_new(listing_element_fn *element, void *arg, struct listing **out)
{
    struct listing *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->element = element;
    l->arg = arg;
    l->state = START;
    buf_init(&l->text, LISTING_ELEMENT_MAX);
    *out = l;
    return 0;
}

void listing_free(struct listing *l)
{
    if (l == NULL)
        return;
    buf_free(&l->text);
    free(l);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int to(struct listing *l, enum state state)
{
    l->state = state;
    return 0;
}

static int push(struct listing *l, char closer, enum state state)
{
    if (l->depth == LISTING_DEPTH_MAX)
        return -EFBIG;
    l->closers[l->depth++] = closer;
    return to(l, state);
}

static int pop(struct listing *l, char closer, enum state state)
{
    if (l->depth == 0 || l->closers[l->depth - 1] != closer)
        return -EBADMSG;
    l->depth--;
    return to(l, state);
}

/* Strings outside elements */

static int begin_string(struct listing *l, bool in_key)
{
    l->in_key = in_key;
    l->key_matches = true;
    l->key_len = 0;
    return to(l, STRING);
}

/* One character of a string, its escapes resolved. */
static void string_char(struct listing *l, unsigned c)
{
    if (l->key_len < sizeof results_key - 1 && c == (unsigned char)results_key[l->key_len])
        l->key_len++;
    else
        l->key_matches = false;
}

static int in_string(struct listing *l, char c)
{
    if (c == '"')
        return to(l, l->in_key ? COLON : AFTER_VALUE);
    if (c == '\\')
        return to(l, ESCAPE);
    if ((unsigned char)c < 0x20)
        return -EBADMSG;
    string_char(l, (unsigned char)c);
    return 0;
}

static int in_escape(struct listing *l, char c)
{
    if (c == 'u') {
        l->hex_left = 4;
        l->hex_value = 0;
        return to(l, HEX);
    }
    if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
        return -EBADMSG;
    l->key_matches = false; /* none of these stands for a letter */
    return to(l, STRING);
}

static int in_hex(struct listing *l, char c)
{
    unsigned digit;
    if (is_digit(c))
        digit = (unsigned)(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        digit = (unsigned)((c | 0x20) - 'a') + 10;
    else
        return -EBADMSG;
    l->hex_value = l->hex_value * 16 + digit;
    if (--l->hex_left > 0)
        return 0;
    string_char(l, l->hex_value);
    return to(l, STRING);
}

/* Other values outside elements */

/* The state of the number after c, or NO when c is no part of it. */
static int number_next(enum number number, char c)
{
    enum { NO = -1 };
    static const signed char next[][5] = {
        /*            0         1 to 9    .      e    + or - */
        [MINUS] = {ZERO, INTEGER, NO, NO, NO},
        [ZERO] = {NO, NO, POINT, EXP, NO},
        [INTEGER] = {INTEGER, INTEGER, POINT, EXP, NO},
        [POINT] = {FRACTION, FRACTION, NO, NO, NO},
        [FRACTION] = {FRACTION, FRACTION, NO, EXP, NO},
        [EXP] = {EXPONENT, EXPONENT, NO, NO, EXP_SIGN},
        [EXP_SIGN] = {EXPONENT, EXPONENT, NO, NO, NO},
        [EXPONENT] = {EXPONENT, EXPONENT, NO, NO, NO},
    };
    if (is_digit(c))
        return next[number][c == '0' ? 0 : 1];
    if (c == '.')
        return next[number][2];
    if (c == 'e' || c == 'E')
        return next[number][3];
    if (c == '+' || c == '-')
        return next[number][4];
    return NO;
}

static int begin_number(struct listing *l, char c)
{
    l->number = c == '-' ? MINUS : c == '0' ? ZERO : INTEGER;
    return to(l, NUMBER);
}

static int begin_literal(struct listing *l, const char *rest)
{
    l->literal = rest;
    return to(l, LITERAL);
}

static int in_literal(struct listing *l, char c)
{
    if (c != *l->literal++)
        return -EBADMSG;
    return *l->literal != '\0' ? 0 : to(l, AFTER_VALUE);
}

static int begin_value(struct listing *l, char c)
{
    switch (c) {
    case '{':
        return push(l, '}', FIRST_KEY);
    case '[':
        return push(l, ']', FIRST_VALUE);
    case '"':
        return begin_string(l, false);
    case 't':
        return begin_literal(l, "rue");
    case 'f':
        return begin_literal(l, "alse");
    case 'n':
        return begin_literal(l, "ull");
    default:
        return c == '-' || is_digit(c) ? begin_number(l, c) : -EBADMSG;
    }
}

static int end_container(struct listing *l, char closer)
{
    return pop(l, closer, l->depth == 1 ? END : AFTER_VALUE);
}

static int after_value(struct listing *l, char c)
{
    if (c == ',')
        return to(l, l->closers[l->depth - 1] == '}' ? KEY : VALUE);
    return end_container(l, c);
}

static int in_number(struct listing *l, char c)
{
    int next = number_next(l->number, c);
    if (next >= 0) {
        l->number = (enum number)next;
        return 0;
    }
    if (l->number != ZERO && l->number != INTEGER && l->number != FRACTION && l->number != EXPONENT)
        return -EBADMSG;
    l->state = AFTER_VALUE; /* only the byte after a number ends it */
    return is_space(c) ? 0 : after_value(l, c);
}

static int after_key(struct listing *l)
{
    bool is_results = l->key_matches && l->key_len == sizeof results_key - 1;
    if (l->depth != 1 || !is_results)
        return to(l, VALUE);
    if (l->results)
        return -EBADMSG;
    l->results = true;
    return to(l, RESULTS);
}

/* Elements */

static int begin_element(struct listing *l)
{
    int err = push(l, '}', IN_ELEMENT);
    return err < 0 ? err : buf_append(&l->text, "{", 1);
}

static int end_element(struct listing *l)
{
    int err = l->element(l->arg, l->text.data, l->text.len);
    buf_reset(&l->text);
    return err < 0 ? err : to(l, AFTER_ELEMENT);
}

enum { STOPS_JSON = 1, STOPS_STRING = 2 };

static const unsigned char stop_bytes[256] = {
    ['"'] = STOPS_JSON | STOPS_STRING,
    ['\\'] = STOPS_STRING,
    ['{'] = STOPS_JSON,
    ['}'] = STOPS_JSON,
    ['['] = STOPS_JSON,
    [']'] = STOPS_JSON,
};

static const char *scan(const char *p, const char *end, unsigned char stops)
{
    while (p < end && (stop_bytes[(unsigned char)*p] & stops) == 0)
        p++;
    return p;
}

/* One byte of an element at which something changes. */
static int element_byte(struct listing *l, char c)
{
    if (l->state == IN_ELEMENT_ESCAPE)
        return to(l, IN_ELEMENT_STRING);
    if (l->state == IN_ELEMENT_STRING)
        return to(l, c == '"' ? IN_ELEMENT : IN_ELEMENT_ESCAPE);
    if (c == '"')
        return to(l, IN_ELEMENT_STRING);
    if (c == '{' || c == '[')
        return push(l, c == '{' ? '}' : ']', IN_ELEMENT);
    return pop(l, c, IN_ELEMENT);
}

/* Takes what belongs to the element from *bytes. */
static int in_element(struct listing *l, const char **bytes, const char *end)
{
    enum { OUTER_DEPTH = 2 };
    const char *p = *bytes;
    int err = 0;
    while (p < end && l->depth > OUTER_DEPTH && err == 0) {
        if (l->state == IN_ELEMENT)
            p = scan(p, end, STOPS_JSON);
        else if (l->state == IN_ELEMENT_STRING)
            p = scan(p, end, STOPS_STRING);
        if (p < end)
            err = element_byte(l, *p++);
    }
    if (err == 0)
        err = buf_append(&l->text, *bytes, (size_t)(p - *bytes));
    if (err == 0 && l->depth == OUTER_DEPTH)
        err = end_element(l);
    *bytes = p;
    return err;
}

/* The machine */

/* A byte that is not white space, in a state where white space may stand. */
static int in_structure(struct listing *l, char c)
{
    switch ((int)l->state) {
    case START:
        return c == '{' ? push(l, '}', FIRST_KEY) : -EBADMSG;
    case FIRST_KEY:
        return c == '"' ? begin_string(l, true) : end_container(l, c);
    case KEY:
        return c == '"' ? begin_string(l, true) : -EBADMSG;
    case COLON:
        return c == ':' ? after_key(l) : -EBADMSG;
    case FIRST_VALUE:
        return c == ']' ? end_container(l, c) : begin_value(l, c);
    case VALUE:
        return begin_value(l, c);
    case AFTER_VALUE:
        return after_value(l, c);
    case RESULTS:
        return c == '[' ? push(l, ']', FIRST_ELEMENT) : -EBADMSG;
    case FIRST_ELEMENT:
        return c == '{' ? begin_element(l) : pop(l, c, AFTER_VALUE);
    case ELEMENT:
        return c == '{' ? begin_element(l) : -EBADMSG;
    case AFTER_ELEMENT:
        return c == ',' ? to(l, ELEMENT) : pop(l, c, AFTER_VALUE);
    case END:
    default:
        return -EBADMSG;
    }
}

static int outside_element(struct listing *l, char c)
{
    switch ((int)l->state) {
    case STRING:
        return in_string(l, c);
    case ESCAPE:
        return in_escape(l, c);
    case HEX:
        return in_hex(l, c);
    case LITERAL:
        return in_literal(l, c);
    case NUMBER:
        return in_number(l, c);
    default:
        return is_space(c) ? 0 : in_structure(l, c);
    }
}

int listing_feed(struct listing *l, const char *bytes, size_t len)
{
    const char *end = bytes + len;
    while (bytes < end && l->error == 0) {
        if (is_in_element(l->state))
            l->error = in_element(l, &bytes, end);
        else
            l->error = outside_element(l, *bytes++);
        check_invariants(l);
    }
    return l->error;
}

int listing_finish(struct listing *l)
{
    if (l->error == 0 && !(l->state == END && l->results))
        l->error = -EBADMSG;
    return l->error;
}
