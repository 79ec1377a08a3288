/*
 * A fuzz target is one file with LLVMFuzzerTestOneInput and fuzz_seeds. Linked with driver.c it is
 * a test of a bounded number of rounds; without it, by
 *     clang -g -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -I/usr/include/cjson \
 *         tests/fuzz/fuzz_X.c fs/{buf,connector,listing,name,tree}.c -lcjson
 * it is a program of libFuzzer.
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
