// SPDX-License-Identifier: MIT
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    return memmove(to, from, length);
}

void *memmove(void *to, const void *from, size_t length)
{
    return to;
}

void *memset(void *to, int value, size_t length)
{
    return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
    return 0;
}
