// SPDX-License-Identifier: MIT
// POSIX names of functions that newlib has under others.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/posix.h"

int posix_memalign(void **, size_t, size_t);

ssize_t getdelim(char **line, size_t *capacity, int end, FILE *stream)
{
    return __getdelim(line, capacity, end, stream);
}

ssize_t getline(char **line, size_t *capacity, FILE *stream)
{
    return __getline(line, capacity, stream);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1))) {
        return EINVAL;
    }
    void *memory = memalign(alignment, size);
    if (memory == NULL) {
        return ENOMEM;
    }
    *out = memory;
    return 0;
}
