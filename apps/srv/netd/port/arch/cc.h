// SPDX-License-Identifier: MIT
// What lwIP wants to know of the compiler and the system.
#pragma once

#include <stdint.h>

#include "checksum.h"

// From platform.c. lwIP runs on one thread, and only when the loop calls it.
uint32_t platform_random(void);
_Noreturn void platform_assertion(const char *message, const char *file, int line);

#define lwip_htons(number) __builtin_bswap16(number)
#define lwip_htonl(number) __builtin_bswap32(number)
#define LWIP_RAND()        platform_random()
#define LWIP_PLATFORM_DIAG(arguments) \
    do {                              \
    } while (0)
#define LWIP_PLATFORM_ASSERT(message) platform_assertion(message, __FILE__, __LINE__)
#define LWIP_NO_CTYPE_H               0
#define LWIP_TIMEVAL_PRIVATE          0
#define LWIP_ERRNO_INCLUDE            <errno.h>
