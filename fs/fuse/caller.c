#include "caller.h"

#include <string.h>

enum rule {
    ASKS,
    MAKES_ROOM,
    BY_OPTIONS,    /* it asks or means it, by the options of the command */
    BY_FIRST_WORD, /* one program for many commands: its first word names the one */
};

/* What is not here, os.rmdir among them, means it. */
static const struct {
    const char *name;
    enum rule rule;
} programs[] = {
    {"rm", ASKS},
    {"mv", ASKS},
    {"find", ASKS},
    {"fd", ASKS},
    {"fdfind", ASKS},
    {"git", ASKS},
    {"rsync", ASKS},
    {"rclone", ASKS},
    {"unison", ASKS},
    {"tar", MAKES_ROOM},
    {"bsdtar", MAKES_ROOM},
    {"star", MAKES_ROOM},
    {"pax", MAKES_ROOM},
    {"cpio", MAKES_ROOM},
    {"bsdcpio", MAKES_ROOM},
    {"unzip", MAKES_ROOM},
    {"bsdunzip", MAKES_ROOM},
    {"7z", MAKES_ROOM},
    {"7za", MAKES_ROOM},
    {"7zr", MAKES_ROOM},
    {"7zz", MAKES_ROOM},
    {"unrar", MAKES_ROOM},
    {"unar", MAKES_ROOM},
    {"dpkg", MAKES_ROOM},
    {"rpm", MAKES_ROOM},
    {"install", MAKES_ROOM},
    {"cp", MAKES_ROOM},
    {"ln", MAKES_ROOM},
    {"rmdir", BY_OPTIONS},
    {"busybox", BY_FIRST_WORD},
    {"toybox", BY_FIRST_WORD},
    {"coreutils", BY_FIRST_WORD},
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The index in programs[], or -1. */
static int find(const char *name)
{
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(programs[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Whether the word asks rmdir to go on to the parents, or to take a failure for a success. Long
 * options may be cut short; -p may stand among others. */
static bool is_option_of_rmdir(const char *word)
{
    size_t len = strlen(word);
    if (word[0] != '-' || len < 2)
        return false;
    if (word[1] != '-')
        return strchr(word + 1, 'p') != NULL;
    return len > 2 && (strncmp("--parents", word, len) == 0 ||
                       strncmp("--ignore-fail-on-non-empty", word, len) == 0);
}

bool caller_needs_words(const char *name)
{
    int at = find(name);
    return at >= 0 && (programs[at].rule == BY_OPTIONS || programs[at].rule == BY_FIRST_WORD);
}

/* The next word of at most *len bytes, or NULL. */
static const char *next_word(const char **words, size_t *len)
{
    const char *word = *words, *end = memchr(word, '\0', *len);
    if (*len == 0 || end == NULL)
        return NULL;
    *len -= (size_t)(end + 1 - word);
    *words = end + 1;
    return word;
}

static bool asks_by_option(const char *words, size_t len)
{
    const char *word;
    while ((word = next_word(&words, &len)) != NULL && strcmp(word, "--") != 0)
        if (is_option_of_rmdir(word))
            return true;
    return word == NULL && len > 0; /* it is cut: what cannot be seen might be one */
}

enum caller caller_of(const char *name, const char *words, size_t len)
{
    int at = find(name);
    if (name[0] == '\0')
        return CALLER_ASKS;
    if (at < 0)
        return CALLER_MEANS_IT;
    const char *command = next_word(&words, &len); /* as the program was called */
    if (programs[at].rule == BY_FIRST_WORD) {
        /* "busybox rm", or a link "rm" to busybox. */
        if (command != NULL && strcmp(base_name(command), name) == 0)
            command = next_word(&words, &len);
        at = command != NULL ? find(base_name(command)) : -1;
        if (command == NULL || (at >= 0 && programs[at].rule == BY_FIRST_WORD))
            return CALLER_MAKES_ROOM; /* it may be any of its commands */
        if (at < 0)
            return CALLER_MEANS_IT;
    }
    if (programs[at].rule == MAKES_ROOM)
        return CALLER_MAKES_ROOM;
    if (programs[at].rule == ASKS || command == NULL)
        return CALLER_ASKS;
    return asks_by_option(words, len) ? CALLER_ASKS : CALLER_MEANS_IT;
}
