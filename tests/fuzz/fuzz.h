/*
 * A fuzz target is one file with LLVMFuzzerTestOneInput and fuzz_seeds. Linked with driver.c it is
 * a test of a bounded number of rounds. Without driver.c it is a program of libFuzzer:
 *     clang -g -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Ifs/service \
 *         tests/fuzz/fuzz_X.c fs/base/{buf,hash,uuid}.c \
 *         fs/connector/{date,json,name,snapshot,tree}.c fs/service/listing.c -lcjson
 */
#ifndef BIGDATAFS_TESTS_FUZZ_H
#define BIGDATAFS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What mutations start from; the last is NULL. */
extern const char *const fuzz_seeds[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
