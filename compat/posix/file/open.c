// SPDX-License-Identifier: MIT
// Opening, closing and duplicating descriptors.
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>
#include <tessera/proto/pipe.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"
#include "file/path.h"

int dup3(int, int, int); // newlib declares it for GNU programs only

static mode_t mask = 022;

mode_t umask(mode_t new)
{
    return atomic_exchange_explicit(TS_ATOMIC(&mask), new & 0777, memory_order_relaxed);
}

// The few names below /dev that are not in any file tree: what they stand for are named handles.
static int open_device(const char *name, int flags, enum open_kind *kind, ts_handle_t *out)
{
    if (!strcmp(name, "random") || !strcmp(name, "urandom")) {
        *kind = OPEN_RANDOM;
        return posix_errno(ts_duplicate(ts_named_handle(TS_NAME_RANDOM), TS_RIGHTS_SAME, out));
    }
    if (!strcmp(name, "tty")) {
        for (int fd = 0; fd < 3; fd++) {
            struct open_file *file = isatty(fd) ? descriptor_get(fd) : NULL;
            if (file != NULL) {
                ts_status_t status = ts_duplicate(file->handle, TS_RIGHTS_SAME, out);
                open_file_put(file);
                return posix_errno(status);
            }
        }
        return ENXIO;
    }
    if (!strcmp(name, "null") || !strcmp(name, "zero")) {
        ts_rights_t rights =
            TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
        return posix_errno(ts_open(ts_named_handle(TS_NAME_PIPE), name,
                                   flags & O_NONBLOCK ? TS_OPEN_NOWAIT : 0, rights, out));
    }
    return ENOENT;
}

// The object that `path` names, and what kind of file it is. 0, or an errno.
static int open_object(const struct posix_path *path, int flags, enum open_kind *out_kind,
                       ts_handle_t *out_handle)
{
    *out_kind = OPEN_FILE;
    if (!strncmp(path->text, "dev/", 4)) {
        int error = open_device(path->text + 4, flags, out_kind, out_handle);
        if (error != ENOENT) {
            return error;
        }
    }
    int error = posix_path_open(path, flags, out_handle);
    if (error) {
        return error;
    }
    struct ts_attributes attributes;
    size_t got;
    ts_status_t status =
        ts_get(*out_handle, TS_PROPERTY_ATTRIBUTES, &attributes, sizeof(attributes), &got);
    if (status != TS_OK || got != sizeof(attributes) || attributes.type != TS_FILE_DIRECTORY) {
        return 0;
    }
    *out_kind = OPEN_DIRECTORY;
    if ((flags & O_ACCMODE) != O_RDONLY) {
        ts_close(*out_handle);
        return EISDIR;
    }
    return 0;
}

static struct open_file *open_at(int fd, const char *name, int flags)
{
    struct posix_path path;
    enum open_kind kind;
    ts_handle_t handle;
    int error = posix_path_resolve(fd, name, &path);
    error = error ? error : open_object(&path, flags, &kind, &handle);
    if (error) {
        posix_fail(error);
        return NULL;
    }
    struct open_file *file = open_file_make(kind, handle, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (file == NULL || kind != OPEN_DIRECTORY) {
        return file;
    }
    size_t length = strlen(path.text);
    file->path = malloc(length + 2);
    if (file->path == NULL) {
        open_file_put(file);
        posix_fail(ENOMEM);
        return NULL;
    }
    file->path[0] = '/';
    memcpy(file->path + 1, path.text, length + 1);
    return file;
}

int openat(int at, const char *name, int flags, ...)
{
    struct open_file *file = open_at(at, name, flags);
    if (file == NULL) {
        return -1;
    }
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode_t mode = va_arg(arguments, mode_t) & ~mask & 07777;
        va_end(arguments);
        // Only an unusual mode is worth a request; a store that keeps no modes refuses it.
        if (mode != 0644 && mode != 0600) {
            struct ts_attributes set = {.mask = TS_ATTRIBUTE_MODE, .mode = mode};
            (void)ts_set(file->handle, TS_PROPERTY_ATTRIBUTES, &set, sizeof(set));
        }
    }
    return descriptor_install(file, 0, flags & O_CLOEXEC);
}

int open(const char *name, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return openat(AT_FDCWD, name, flags, mode);
}

int creat(const char *name, mode_t mode)
{
    return open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int close(int fd)
{
    struct open_file *file = descriptor_take(fd);
    if (file == NULL) {
        return -1;
    }
    open_file_put(file);
    return 0;
}

int dup(int fd)
{
    return fcntl(fd, F_DUPFD, 0);
}

static int duplicate_to(int old, int new, bool close_on_spawn)
{
    struct open_file *file = descriptor_get(old);
    return file != NULL ? descriptor_replace(new, file, close_on_spawn) : -1;
}

int dup2(int old, int new)
{
    if (old == new) {
        return descriptor_flag_get(old) < 0 ? -1 : new;
    }
    return duplicate_to(old, new, false);
}

int dup3(int old, int new, int flags)
{
    return old == new ? posix_fail(EINVAL) : duplicate_to(old, new, flags & O_CLOEXEC);
}

// O_APPEND and O_NONBLOCK are the open object's, at its server.
static int flags_set(struct open_file *file, int flags)
{
    int kept = O_APPEND | O_NONBLOCK;
    uint64_t word =
        (flags & O_APPEND ? TS_OPEN_APPEND : 0) | (flags & O_NONBLOCK ? TS_OPEN_NOWAIT : 0);
    ts_status_t status = ts_set_u64(file->handle, TS_PROPERTY_STATUS_FLAGS, word);
    // An object that does not keep flags (a console) is asked with NOWAIT each time: see io.c.
    if (status != TS_OK && (status != TS_ERR_UNSUPPORTED || flags & O_APPEND)) {
        return posix_result(status);
    }
    file->flags = (file->flags & ~kept) | (flags & kept);
    return 0;
}

int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    int result = 0;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (argument < 0 || argument >= DESCRIPTORS_MAX) {
            result = posix_fail(EINVAL);
            break;
        }
        return descriptor_install(file, (int)argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD: result = descriptor_flag_get(fd); break;
    case F_SETFD: result = descriptor_flag_set(fd, argument & FD_CLOEXEC); break;
    case F_GETFL: result = file->flags; break;
    case F_SETFL: result = flags_set(file, (int)argument); break;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW: result = posix_fail(ENOLCK); break; // no file system here offers locks
    default: result = posix_fail(EINVAL); break;
    }
    open_file_put(file);
    return result;
}
