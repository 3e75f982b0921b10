// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdlib.h>
#include <sys/tessera.h>
#include "core/posix.h"
#include "core/wait.h"
#include "process/program.h"

uint32_t ts_posix_handle(int fd)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return TS_HANDLE_NONE;
    }
    ts_handle_t handle = file->handle;
    open_file_put(file);
    return handle;
}

int ts_posix_descriptor(uint32_t handle, int flags)
{
    struct open_file *file = open_file_make(OPEN_FILE, handle, flags & ~O_CLOEXEC);
    return file != NULL ? descriptor_install(file, 0, flags & O_CLOEXEC) : -1;
}

int ts_posix_start(const struct ts_posix_program *start, uint32_t *out_process)
{
    struct program_file files[3];
    size_t count = 0;
    int error = 0;
    for (int i = 0; i < 3 && !error; i++) {
        if (start->files[i] < 0) {
            continue;
        }
        struct open_file *file = descriptor_get(start->files[i]);
        error = file != NULL ? 0 : EBADF;
        if (file != NULL) {
            files[count++] = (struct program_file){i, file};
        }
    }
    struct program program = {.path = start->path,
                              .arguments = start->arguments,
                              .environment = start->environment,
                              .job = start->job,
                              .files = files,
                              .file_count = count,
                              .out_bias = start->out_bias,
                              .rights = start->rights};
    error = error ? error : program_spawn(&program, out_process);
    while (count) {
        open_file_put(files[--count].file);
    }
    return error;
}

int ts_posix_find(const char *name, char *out, size_t capacity)
{
    return program_find(name, out, capacity);
}

int ts_posix_wait(struct ts_posix_wait *items, size_t count, int64_t deadline)
{
    struct waitable *waits = calloc(count ? count : 1, sizeof(*waits));
    if (waits == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        waits[i].handle = items[i].handle;
        waits[i].mask = items[i].mask;
    }
    ts_status_t status = wait_any(waits, count, deadline);
    for (size_t i = 0; i < count; i++) {
        items[i].ready = waits[i].ready;
    }
    free(waits);
    return posix_errno(status);
}

int ts_posix_errno(int32_t status)
{
    return posix_errno(status);
}
