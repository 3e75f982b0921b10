// SPDX-License-Identifier: MIT
// The shell's state, and what the names $? to $9 and variables stand for.
#include "shell.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *const no_arguments[] = {NULL};

struct shell shell = {.name = "sh", .arguments = no_arguments};

const char *lookup(const char *name, size_t length)
{
    static char number[24];
    if (length == 1) {
        size_t count = 0;
        while (shell.arguments[count] != NULL) {
            count++;
        }
        switch (name[0]) {
        case '?': snprintf(number, sizeof(number), "%d", shell.status); return number;
        case '$': snprintf(number, sizeof(number), "%d", (int)getpid()); return number;
        case '!':
            snprintf(number, sizeof(number), "%llu", (unsigned long long)shell.last_job);
            return number;
        case '#': snprintf(number, sizeof(number), "%zu", count); return number;
        case '0': return shell.name;
        default: break;
        }
        if (name[0] >= '1' && name[0] <= '9') {
            size_t index = (size_t)(name[0] - '1');
            return index < count ? shell.arguments[index] : NULL;
        }
    }
    char copy[128];
    if (length >= sizeof(copy)) {
        return NULL;
    }
    memcpy(copy, name, length);
    copy[length] = '\0';
    return getenv(copy);
}
