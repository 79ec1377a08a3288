/* Compiler attributes, spelled once. */
#ifndef BIGDATAFS_SANDBOX_COMPILER_H
#define BIGDATAFS_SANDBOX_COMPILER_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

#endif
