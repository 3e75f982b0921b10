// SPDX-License-Identifier: MIT
#include <string.h>

#include "bomb.h"

const struct bomb *bomb_find(const char *name)
{
    const struct bomb *const lists[] = {bombs_kernel, bombs_ring, bombs_server};
    for (unsigned i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        for (const struct bomb *bomb = lists[i]; bomb->name != NULL; bomb++) {
            if (strcmp(bomb->name, name) == 0) {
                return bomb;
            }
        }
    }
    return NULL;
}
