// SPDX-License-Identifier: MIT
#pragma once

#include_next <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if __POSIX_VISIBLE >= 200809
// newlib has them under names of its own.
ssize_t getdelim(char **, size_t *, int, FILE *);
ssize_t getline(char **, size_t *, FILE *);
#endif

#ifdef __cplusplus
}
#endif
