// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/op.h>
#include <tessera/lib/path.h>
#include <tessera/proto/file.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"
#include "file/path.h"

static char working[TS_PATH_MAX] = "/"; // absolute, normal
static struct ts_mutex mutex;

static void base_copy(char *out)
{
    ts_mutex_lock(&mutex);
    strcpy(out, working);
    ts_mutex_unlock(&mutex);
}

static int base_of(int fd, const char *path, char *out)
{
    if (fd == AT_FDCWD || path[0] == '/') {
        base_copy(out);
        return 0;
    }
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return EBADF;
    }
    int error = 0;
    if (file->kind == OPEN_DIRECTORY && file->path != NULL) {
        strcpy(out, file->path);
    } else {
        error = ENOTDIR;
    }
    open_file_put(file);
    return error;
}

int posix_path_resolve(int fd, const char *path, struct posix_path *out)
{
    if (path == NULL) {
        return EFAULT;
    }
    if (!path[0]) {
        return ENOENT;
    }
    out->root = ts_named_handle(TS_NAME_FILE); // without one, names of devices still work
    char base[TS_PATH_MAX];
    int error = base_of(fd, path, base);
    if (error) {
        return error;
    }
    return posix_errno(
        ts_path_normalise(base, path, out->text, sizeof(out->text), &out->directory));
}

int posix_path_open(const struct posix_path *path, int flags, ts_handle_t *out_handle)
{
    if (path->root == TS_HANDLE_NONE) {
        return ENOENT;
    }
    unsigned open = 0;
    ts_rights_t rights = TS_RIGHT_MAP | TS_RIGHT_CALL | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE |
                         TS_RIGHT_TRANSFER | TS_RIGHT_OPEN;
    int mode = flags & O_ACCMODE;
    if (mode != O_WRONLY) {
        rights |= TS_RIGHT_READ | TS_RIGHT_EXECUTE;
    }
    if (mode != O_RDONLY) {
        rights |= TS_RIGHT_WRITE;
    }
    open |= flags & O_CREAT ? TS_OPEN_CREATE : 0;
    open |= (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? TS_OPEN_EXCLUSIVE : 0;
    open |= (flags & O_TRUNC) && mode != O_RDONLY ? TS_OPEN_TRUNCATE : 0;
    open |= flags & O_APPEND ? TS_OPEN_APPEND : 0;
    open |= flags & O_NONBLOCK ? TS_OPEN_NOWAIT : 0;
    open |= (flags & O_DIRECTORY) || path->directory ? TS_OPEN_DIRECTORY : 0;
    ts_status_t status = ts_open(path->root, path->text, open, rights, out_handle);
    if (status != TS_OK) {
        return posix_errno(status);
    }
    // A handle without the right that was asked for would fail later, with a worse message.
    ts_rights_t got;
    if (ts_rights(*out_handle, &got) == TS_OK &&
        (rights & ~got & (TS_RIGHT_READ | TS_RIGHT_WRITE))) {
        ts_close(*out_handle);
        *out_handle = TS_HANDLE_NONE;
        return mode != O_RDONLY ? EROFS : EACCES;
    }
    return 0;
}

static int change(const struct posix_path *path)
{
    ts_handle_t handle;
    int error = posix_path_open(path, O_RDONLY | O_DIRECTORY, &handle);
    if (error) {
        return error;
    }
    ts_close(handle);
    if (strlen(path->text) + 2 > sizeof(working)) {
        return ENAMETOOLONG;
    }
    ts_mutex_lock(&mutex);
    working[0] = '/';
    strcpy(working + 1, path->text);
    ts_mutex_unlock(&mutex);
    return 0;
}

int chdir(const char *name)
{
    struct posix_path path;
    int error = posix_path_resolve(AT_FDCWD, name, &path);
    error = error ? error : change(&path);
    return error ? posix_fail(error) : 0;
}

int fchdir(int fd)
{
    struct posix_path path;
    int error = posix_path_resolve(fd, ".", &path);
    error = error ? error : change(&path);
    return error ? posix_fail(error) : 0;
}

char *getcwd(char *buffer, size_t size)
{
    char path[TS_PATH_MAX];
    base_copy(path);
    size_t need = strlen(path) + 1;
    if (buffer == NULL) { // an extension that programs rely on
        buffer = malloc(size ? size : need);
        size = size ? size : need;
        if (buffer == NULL) {
            return NULL;
        }
    }
    if (size < need) {
        posix_fail(size ? ERANGE : EINVAL);
        return NULL;
    }
    return memcpy(buffer, path, need);
}

void posix_directory_init(void)
{
    // No server is asked: a program that uses no files needs none. A directory that is gone shows
    // itself at the first use of a relative path.
    const char *start = ts_environment_get("PWD");
    char normal[TS_PATH_MAX - 1];
    if (start != NULL && start[0] == '/' &&
        ts_path_normalise("/", start, normal, sizeof(normal), NULL) == TS_OK) {
        strcpy(working + 1, normal);
    }
}
