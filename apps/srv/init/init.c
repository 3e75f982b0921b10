// SPDX-License-Identifier: MIT
#include "init.h"
#include <string.h>

struct init init;

struct service *service_named(const char *name, size_t length)
{
    for (uint32_t i = 0; i < init.service_count; i++) {
        const char *candidate = init.services[i].name;
        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0) {
            return &init.services[i];
        }
    }
    return NULL;
}
