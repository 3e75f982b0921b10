// SPDX-License-Identifier: MIT
// A file that a plugin counts in and the host reads while the guest runs.
#pragma once

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// The file that the plugin's one argument, out=PATH, names: made and mapped; NULL, with a message,
// when that cannot be done.
static inline void *shared_file(int argc, char **argv, size_t size)
{
    const char *path = argc == 1 && strncmp(argv[0], "out=", 4) == 0 ? argv[0] + 4 : NULL;
    int file = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0 || ftruncate(file, (off_t)size) != 0) {
        fprintf(stderr, "plugin: needs out=PATH that can be written\n");
        return NULL;
    }
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) {
        perror("plugin: mmap");
        return NULL;
    }
    return memory;
}
