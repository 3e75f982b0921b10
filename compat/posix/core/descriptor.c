// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/op.h>
#include "core/descriptor.h"
#include "core/posix.h"

struct entry {
    struct open_file *file; // NULL: free
    bool close_on_spawn;
};

static struct entry table[DESCRIPTORS_MAX];
static struct ts_mutex mutex;

// Static, so that a program which prints a line needs no memory for it.
static struct open_file standard[3];

static int mode_of(ts_handle_t handle, int otherwise)
{
    ts_rights_t rights, both = TS_RIGHT_READ | TS_RIGHT_WRITE;
    if (ts_rights(handle, &rights) != TS_OK || !(rights & both)) {
        return otherwise;
    }
    return (rights & both) == both ? O_RDWR : rights & TS_RIGHT_READ ? O_RDONLY : O_WRONLY;
}

static void inherit(int fd, ts_handle_t handle, struct open_file *file)
{
    *file = (struct open_file){.references = 1,
                               .kind = OPEN_INHERITED,
                               .handle = handle,
                               .flags = mode_of(handle, fd == 0 ? O_RDONLY : O_WRONLY)};
    table[fd].file = file;
}

// Further descriptors are named fd3, fd4, …: few programs have any.
static void inherit_named(const char *name, ts_handle_t handle)
{
    if (strncmp(name, "fd", 2) != 0) {
        return;
    }
    int fd = atoi(name + 2);
    struct open_file *file = fd >= 3 && fd < DESCRIPTORS_MAX ? malloc(sizeof(*file)) : NULL;
    if (file != NULL) {
        inherit(fd, handle, file);
    }
}

void descriptors_init(void)
{
    static const char *const names[] = {TS_NAME_IN, TS_NAME_OUT, TS_NAME_ERR};
    for (int fd = 0; fd < 3; fd++) {
        ts_handle_t handle = ts_named_handle(names[fd]);
        if (handle != TS_HANDLE_NONE) {
            inherit(fd, handle, &standard[fd]);
        }
    }
    const char *name;
    ts_handle_t handle;
    for (uint32_t i = 0; ts_named_handle_at(i, &name, &handle); i++) {
        inherit_named(name, handle);
    }
}

struct open_file *open_file_make(enum open_kind kind, ts_handle_t handle, int flags)
{
    struct open_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        ts_close(handle);
        posix_fail(ENOMEM);
        return NULL;
    }
    file->references = 1;
    file->kind = kind;
    file->handle = handle;
    file->flags = flags;
    return file;
}

struct open_file *open_file_get(struct open_file *file)
{
    atomic_fetch_add_explicit(TS_ATOMIC(&file->references), 1, memory_order_relaxed);
    return file;
}

void open_file_put(struct open_file *file)
{
    // Release: what was done with the file is over before another thread frees it (acquire).
    if ((atomic_fetch_sub_explicit(TS_ATOMIC(&file->references), 1, memory_order_acq_rel) - 1) !=
        0) {
        return;
    }
    // An inherited handle goes too: the reader of a pipe must see that its writer closed it. Nobody
    // uses the bootstrap's entry for it any longer.
    ts_close(file->handle);
    if (file < standard || file >= standard + 3) {
        free(file->path);
        free(file);
    }
}

ts_status_t open_file_write(struct open_file *file, const char *bytes, size_t length,
                            unsigned flags, size_t *out_done)
{
    ts_status_t status = TS_OK;
    *out_done = 0;
    do {
        size_t step = 0;
        status = ts_write_current(file->handle, bytes + *out_done, length - *out_done, flags,
                                  TS_DEADLINE_NONE, &step);
        if (status != TS_OK || step == 0) {
            break;
        }
        *out_done += step;
    } while (*out_done < length && !flags);
    return *out_done ? TS_OK : status;
}

int descriptor_install(struct open_file *file, int lowest, bool close_on_spawn)
{
    ts_mutex_lock(&mutex);
    int fd = lowest < 0 ? DESCRIPTORS_MAX : lowest;
    while (fd < DESCRIPTORS_MAX && table[fd].file != NULL) {
        fd++;
    }
    if (fd < DESCRIPTORS_MAX) {
        table[fd] = (struct entry){file, close_on_spawn};
    }
    ts_mutex_unlock(&mutex);
    if (fd >= DESCRIPTORS_MAX) {
        open_file_put(file);
        return posix_fail(EMFILE);
    }
    return fd;
}

int descriptor_replace(int fd, struct open_file *file, bool close_on_spawn)
{
    if (fd < 0 || fd >= DESCRIPTORS_MAX) {
        open_file_put(file);
        return posix_fail(EBADF);
    }
    ts_mutex_lock(&mutex);
    struct open_file *previous = table[fd].file;
    table[fd] = (struct entry){file, close_on_spawn};
    ts_mutex_unlock(&mutex);
    if (previous != NULL) {
        open_file_put(previous);
    }
    return fd;
}

struct open_file *descriptor_get(int fd)
{
    struct open_file *file = NULL;
    if (fd >= 0 && fd < DESCRIPTORS_MAX) {
        ts_mutex_lock(&mutex);
        file = table[fd].file != NULL ? open_file_get(table[fd].file) : NULL;
        ts_mutex_unlock(&mutex);
    }
    if (file == NULL) {
        posix_fail(EBADF);
    }
    return file;
}

struct open_file *descriptor_take(int fd)
{
    struct open_file *file = NULL;
    if (fd >= 0 && fd < DESCRIPTORS_MAX) {
        ts_mutex_lock(&mutex);
        file = table[fd].file;
        table[fd] = (struct entry){NULL, false};
        ts_mutex_unlock(&mutex);
    }
    if (file == NULL) {
        posix_fail(EBADF);
    }
    return file;
}

int descriptor_flag_get(int fd)
{
    if (fd < 0 || fd >= DESCRIPTORS_MAX || table[fd].file == NULL) {
        return posix_fail(EBADF);
    }
    return table[fd].close_on_spawn ? FD_CLOEXEC : 0;
}

int descriptor_flag_set(int fd, bool close_on_spawn)
{
    if (fd < 0 || fd >= DESCRIPTORS_MAX || table[fd].file == NULL) {
        return posix_fail(EBADF);
    }
    table[fd].close_on_spawn = close_on_spawn;
    return 0;
}

int descriptor_next(int fd, struct open_file **out_file, bool *out_close_on_spawn)
{
    int found = -1;
    ts_mutex_lock(&mutex);
    for (; fd < DESCRIPTORS_MAX; fd++) {
        if (table[fd].file != NULL) {
            *out_file = open_file_get(table[fd].file);
            *out_close_on_spawn = table[fd].close_on_spawn;
            found = fd;
            break;
        }
    }
    ts_mutex_unlock(&mutex);
    return found;
}
