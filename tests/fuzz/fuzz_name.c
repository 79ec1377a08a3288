/* Every source has a safe name, and every name has one source or none. */
#include <errno.h>
#include <string.h>

#include "bigdatafs/base/hash.h"
#include "bigdatafs/base/uuid.h"
#include "bigdatafs/connector/name.h"
#include "fuzz.h"

const char *const fuzz_seeds[] = {
    "",
    ".",
    "..",
    "label",
    "a/b%2F",
    "%~e",
    "label%~2",
    "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
    "\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80",
    "019a9612-bfad-758c-884e-37dd8c6ad2cb",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9/////////////////////////////////////////////////",
    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
    NULL,
};

static void check_safe(const char *name, size_t len)
{
    MUST(len >= 1 && len <= NAME_MAX_BYTES && strlen(name) == len);
    MUST(name[0] != '.');
    for (size_t i = 0; i < len; i++)
        MUST((unsigned char)name[i] >= 0x20 && name[i] != 0x7f && name[i] != '/');
}

static bool is_cut(const char *name, size_t len)
{
    return len >= 19 && memcmp(name + len - 19, "%~h", 3) == 0;
}

static void check_escape(const char *source, size_t size)
{
    char name[NAME_SIZE];
    char back[NAME_SIZE];
    size_t back_len;
    size_t len = name_escape(source, size, name);
    check_safe(name, len);
    int err = name_unescape(name, back, sizeof back, &back_len);
    if (is_cut(name, len))
        MUST(err == -EINVAL);
    else
        MUST(err == 0 && back_len == size && (size == 0 || memcmp(back, source, size) == 0));

    unsigned n = 2 + (unsigned)(hash_bytes(source, size, 0) >> (size % 64));
    len = name_number(name, n < 2 ? 2 : n);
    check_safe(name, len);
    MUST(name_unescape(name, back, sizeof back, &back_len) == -EINVAL);
}

static void check_unescape(const char *name)
{
    char source[NAME_SIZE];
    char again[NAME_SIZE];
    size_t len;
    if (name_unescape(name, source, sizeof source, &len) < 0)
        return;
    MUST(len < sizeof source && source[len] == '\0');
    MUST(name_escape(source, len, again) == strlen(name) && strcmp(again, name) == 0);
    if (len > 0)
        MUST(name_unescape(name, source, len, &len) == -EFBIG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_escape((const char *)data, size);
    check_unescape(text);
    MUST(!uuid_is_valid(text) || strlen(text) == UUID_LEN);
    free(text);
    return 0;
}
