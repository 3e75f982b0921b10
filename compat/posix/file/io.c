// SPDX-License-Identifier: MIT
// Bytes in and out of descriptors.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <tessera/lib/op.h>
#include <tessera/lib/random.h>
#include <tessera/proto/file.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"

static unsigned operation_flags(const struct open_file *file)
{
    return file->flags & O_NONBLOCK ? TS_FLAG_NOWAIT : 0;
}

static ssize_t finish(struct open_file *file, ts_status_t status, size_t bytes)
{
    open_file_put(file);
    return status == TS_OK ? (ssize_t)bytes : posix_result(status);
}

// A file's store has no more for this client, which programs know as a disk that is full.
static ssize_t finish_write(struct open_file *file, ts_status_t status, size_t bytes)
{
    bool share = status == TS_ERR_LIMIT && file->kind == OPEN_FILE;
    return finish(file, share ? TS_ERR_NO_SPACE : status, bytes);
}

static struct open_file *get_for(int fd, int unwanted_mode)
{
    struct open_file *file = descriptor_get(fd);
    if (file != NULL && (file->flags & O_ACCMODE) == unwanted_mode) {
        open_file_put(file);
        posix_fail(EBADF);
        return NULL;
    }
    return file;
}

// Whether a file may have more than its server moved at once.
static bool goes_on(const struct open_file *file, size_t left, size_t bytes)
{
    return file->kind == OPEN_FILE && left > 0 && bytes >= TS_FILE_MOVE;
}

ssize_t read(int fd, void *buffer, size_t length)
{
    struct open_file *file = get_for(fd, O_WRONLY);
    if (file == NULL) {
        return -1;
    }
    if (file->kind == OPEN_DIRECTORY) {
        return finish(file, TS_ERR_IS_DIRECTORY, 0);
    }
    if (file->kind == OPEN_RANDOM) {
        return finish(file, ts_random_bytes(buffer, length), length);
    }
    size_t done = 0, bytes;
    ts_status_t status;
    do { // of a file all that is there
        bytes = 0;
        status = ts_read_current(file->handle, (char *)buffer + done, length - done,
                                 operation_flags(file), TS_DEADLINE_NONE, &bytes);
        done += bytes;
    } while (status == TS_OK && goes_on(file, length - done, bytes));
    return finish(file, done ? TS_OK : status, done);
}

ssize_t write(int fd, const void *buffer, size_t length)
{
    struct open_file *file = get_for(fd, O_RDONLY);
    if (file == NULL) {
        return -1;
    }
    size_t done = 0;
    ts_status_t status = file->kind == OPEN_RANDOM
                             ? TS_ERR_UNSUPPORTED
                             : open_file_write(file, buffer, length, operation_flags(file), &done);
    bool stream = file->kind != OPEN_FILE;
    ssize_t result = finish_write(file, status, done);
    if (status == TS_ERR_PEER_CLOSED && stream) {
        raise(SIGPIPE);
    }
    return result;
}

ssize_t pread(int fd, void *buffer, size_t length, off_t offset)
{
    struct open_file *file = offset < 0 ? NULL : get_for(fd, O_WRONLY);
    if (file == NULL) {
        return offset < 0 ? posix_fail(EINVAL) : -1;
    }
    size_t done = 0, bytes;
    ts_status_t status;
    do {
        bytes = 0;
        status = ts_read(file->handle, (char *)buffer + done, length - done,
                         (uint64_t)offset + done, TS_DEADLINE_NONE, &bytes);
        done += bytes;
    } while (status == TS_OK && goes_on(file, length - done, bytes));
    return finish(file, done ? TS_OK : status, done);
}

ssize_t pwrite(int fd, const void *buffer, size_t length, off_t offset)
{
    struct open_file *file = offset < 0 ? NULL : get_for(fd, O_RDONLY);
    if (file == NULL) {
        return offset < 0 ? posix_fail(EINVAL) : -1;
    }
    size_t done = 0, bytes;
    ts_status_t status;
    do {
        bytes = 0;
        status = ts_write(file->handle, (const char *)buffer + done, length - done,
                          (uint64_t)offset + done, TS_DEADLINE_NONE, &bytes);
        done += bytes;
    } while (status == TS_OK && goes_on(file, length - done, bytes));
    return finish_write(file, done ? TS_OK : status, done);
}

// Vectors are done one by one: what must be one message (datagrams) goes through sendmsg.
static ssize_t vector(int fd, const struct iovec *parts, int count,
                      ssize_t (*step)(int, void *, size_t))
{
    if (count < 0 || count > IOV_MAX) {
        return posix_fail(EINVAL);
    }
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len == 0) {
            continue;
        }
        ssize_t done = step(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0) {
            return total ? total : -1;
        }
        total += done;
        if ((size_t)done < parts[i].iov_len) {
            break;
        }
    }
    return total;
}

static ssize_t write_step(int fd, void *buffer, size_t length)
{
    return write(fd, buffer, length);
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    return vector(fd, parts, count, read);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return vector(fd, parts, count, write_step);
}

static ts_status_t seek(ts_handle_t handle, off_t offset, int whence, uint64_t *out_position)
{
    uint64_t base = 0;
    ts_status_t status = TS_OK;
    if (whence == SEEK_CUR) {
        status = ts_get_u64(handle, TS_PROPERTY_POSITION, &base);
    } else if (whence == SEEK_END) {
        status = ts_get_u64(handle, TS_PROPERTY_SIZE, &base);
    } else if (whence != SEEK_SET) {
        return TS_ERR_ARGUMENT;
    }
    int64_t position;
    if (status != TS_OK) {
        return status;
    }
    if (base > INT64_MAX || __builtin_add_overflow((int64_t)base, offset, &position)) {
        return TS_ERR_OVERFLOW;
    }
    if (position < 0) {
        return TS_ERR_ARGUMENT;
    }
    *out_position = (uint64_t)position;
    if (whence == SEEK_CUR && offset == 0) {
        return TS_OK;
    }
    return ts_set_u64(handle, TS_PROPERTY_POSITION, (uint64_t)position);
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    uint64_t position = 0;
    ts_status_t status = seek(file->handle, offset, whence, &position);
    open_file_put(file);
    if (status == TS_ERR_UNSUPPORTED) {
        return posix_fail(ESPIPE);
    }
    return status == TS_OK ? (off_t)position : posix_result(status);
}

int ftruncate(int fd, off_t length)
{
    struct open_file *file = length < 0 ? NULL : descriptor_get(fd);
    if (file == NULL) {
        return length < 0 ? posix_fail(EINVAL) : -1;
    }
    ts_status_t status = ts_set_u64(file->handle, TS_PROPERTY_SIZE, (uint64_t)length);
    return (int)finish(file, status == TS_ERR_RIGHTS ? TS_ERR_ARGUMENT : status, 0);
}

int truncate(const char *name, off_t length)
{
    int fd = open(name, O_WRONLY);
    if (fd < 0) {
        return -1;
    }
    int result = ftruncate(fd, length);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int fsync(int fd)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    ts_status_t status = ts_sync(file->handle, 0, 0);
    return (int)finish(file, status == TS_ERR_UNSUPPORTED ? TS_ERR_ARGUMENT : status, 0);
}

int fdatasync(int fd)
{
    return fsync(fd);
}

void sync(void)
{
    // Every store is written through its own objects; there is no system-wide cache to empty.
}
