// SPDX-License-Identifier: MIT
// What is known about files, and changes to names.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/proto/console.h>
#include <tessera/proto/file.h>
#include <unistd.h>
#include <utime.h>
#include "core/descriptor.h"
#include "core/posix.h"
#include "file/path.h"

int _rename(const char *, const char *);
int lchown(const char *, uid_t, gid_t);
int utimes(const char *, const struct timeval[2]);
int utime(const char *, const struct utimbuf *);

static struct timespec time_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static mode_t type_of(uint32_t type)
{
    switch (type) {
    case TS_FILE_DIRECTORY: return S_IFDIR;
    case TS_FILE_STREAM: return S_IFIFO;
    case TS_FILE_DEVICE:
    case TS_FILE_SERVICE: return S_IFCHR;
    default: return S_IFREG;
    }
}

static void fill(struct stat *out, const struct ts_attributes *from)
{
    *out = (struct stat){
        .st_dev = from->store,
        .st_ino = from->identity,
        .st_mode = type_of(from->type) | (from->mode & 07777),
        .st_nlink = (nlink_t)(from->links < 0xffff ? from->links : 0xffff),
        .st_uid = from->user,
        .st_gid = from->group,
        .st_size = (off_t)from->size,
        .st_atim = time_of(from->accessed_ns),
        .st_mtim = time_of(from->modified_ns),
        .st_ctim = time_of(from->changed_ns),
        .st_blksize = 4096,
        .st_blocks = (blkcnt_t)((from->blocks + 511) / 512),
    };
}

// Objects without attributes are consoles, sockets or objects of the kernel.
static ts_status_t stat_object(ts_handle_t handle, enum open_kind kind, struct stat *out)
{
    struct ts_attributes attributes;
    size_t got;
    ts_status_t status =
        ts_get(handle, TS_PROPERTY_ATTRIBUTES, &attributes, sizeof(attributes), &got);
    if (status == TS_OK && got != sizeof(attributes)) {
        return TS_ERR_PROTOCOL;
    }
    if (status == TS_ERR_UNSUPPORTED || status == TS_ERR_KIND) {
        *out = (struct stat){.st_mode = 0600, .st_nlink = 1, .st_blksize = 1024};
        out->st_mode |= kind == OPEN_SOCKET ? S_IFSOCK : S_IFCHR;
        return TS_OK;
    }
    if (status == TS_OK) {
        fill(out, &attributes);
    }
    return status;
}

int fstat(int fd, struct stat *out)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    ts_status_t status = stat_object(file->handle, file->kind, out);
    open_file_put(file);
    return posix_result(status);
}

int fstatat(int at, const char *restrict name, struct stat *restrict out, int flags)
{
    (void)flags; // there are no links to follow or not
    int fd = openat(at, name, O_RDONLY);
    if (fd < 0) {
        return -1;
    }
    int result = fstat(fd, out);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int stat(const char *restrict name, struct stat *restrict out)
{
    return fstatat(AT_FDCWD, name, out, 0);
}

int lstat(const char *restrict name, struct stat *restrict out)
{
    return fstatat(AT_FDCWD, name, out, 0);
}

int faccessat(int at, const char *name, int mode, int flags)
{
    (void)flags;
    struct stat info;
    if (fstatat(at, name, &info, 0) < 0) {
        return -1;
    }
    if ((mode & X_OK) && !S_ISDIR(info.st_mode) && !(info.st_mode & 0111)) {
        return posix_fail(EACCES);
    }
    if ((mode & W_OK) && S_ISREG(info.st_mode)) {
        int fd = openat(at, name, O_WRONLY);
        if (fd < 0) {
            return -1;
        }
        close(fd);
    }
    return 0;
}

int access(const char *name, int mode)
{
    return faccessat(AT_FDCWD, name, mode, 0);
}

int mkdirat(int at, const char *name, mode_t mode)
{
    (void)mode; // rights decide, not modes
    struct posix_path path;
    int error = posix_path_resolve(at, name, &path);
    if (error || !path.text[0]) {
        return posix_fail(error ? error : EEXIST);
    }
    ts_handle_t handle;
    ts_status_t status =
        ts_create(path.root, path.text, TS_FILE_DIRECTORY, 0, TS_RIGHT_READ, &handle);
    if (status == TS_OK) {
        ts_close(handle);
    }
    return posix_result(status);
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

int unlinkat(int at, const char *name, int flags)
{
    struct posix_path path;
    int error = posix_path_resolve(at, name, &path);
    if (error || !path.text[0]) {
        return posix_fail(error ? error : EBUSY);
    }
    unsigned kind = flags & AT_REMOVEDIR ? TS_FILE_DIRECTORY : 0;
    return posix_result(ts_remove(path.root, path.text, kind));
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int renameat(int old_at, const char *old_name, int new_at, const char *new_name)
{
    struct posix_path old, new;
    int error = posix_path_resolve(old_at, old_name, &old);
    error = error ? error : posix_path_resolve(new_at, new_name, &new);
    if (error) {
        return posix_fail(error);
    }
    ts_status_t status = ts_rename(old.root, old.text, new.root, new.text, 0);
    return status == TS_ERR_UNSUPPORTED ? posix_fail(EXDEV) : posix_result(status);
}

// newlib's rename() comes here.
int _rename(const char *old_name, const char *new_name)
{
    return renameat(AT_FDCWD, old_name, AT_FDCWD, new_name);
}

int linkat(int old_at, const char *old_name, int new_at, const char *new_name, int flags)
{
    struct posix_path old, new;
    int error = flags & ~AT_SYMLINK_FOLLOW ? EINVAL : posix_path_resolve(old_at, old_name, &old);
    error = error ? error : posix_path_resolve(new_at, new_name, &new);
    if (error) {
        return posix_fail(error);
    }
    ts_status_t status = ts_link(old.root, old.text, new.root, new.text);
    switch (status) {
    case TS_ERR_IS_DIRECTORY: return posix_fail(EPERM);
    case TS_ERR_UNSUPPORTED: return posix_fail(EXDEV); // another server, or one without links
    default: return posix_result(status);
    }
}

int link(const char *old_name, const char *new_name)
{
    return linkat(AT_FDCWD, old_name, AT_FDCWD, new_name, 0);
}

static int attributes_set(int fd, const struct ts_attributes *attributes)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    ts_status_t status =
        ts_set(file->handle, TS_PROPERTY_ATTRIBUTES, attributes, sizeof(*attributes));
    open_file_put(file);
    return posix_result(status == TS_ERR_RIGHTS ? TS_ERR_READ_ONLY : status);
}

static int attributes_set_path(int at, const char *name, const struct ts_attributes *attributes)
{
    int fd = openat(at, name, O_WRONLY);
    if (fd < 0 && errno == EISDIR) {
        fd = openat(at, name, O_RDONLY | O_DIRECTORY);
    }
    if (fd < 0) {
        return -1;
    }
    int result = attributes_set(fd, attributes);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int fchmod(int fd, mode_t mode)
{
    struct ts_attributes set = {.mask = TS_ATTRIBUTE_MODE, .mode = mode & 07777};
    return attributes_set(fd, &set);
}

int fchmodat(int at, const char *name, mode_t mode, int flags)
{
    (void)flags;
    struct ts_attributes set = {.mask = TS_ATTRIBUTE_MODE, .mode = mode & 07777};
    return attributes_set_path(at, name, &set);
}

int chmod(const char *name, mode_t mode)
{
    return fchmodat(AT_FDCWD, name, mode, 0);
}

int fchown(int fd, uid_t user, gid_t group)
{
    struct ts_attributes set = {.mask = TS_ATTRIBUTE_OWNER, .user = user, .group = group};
    return attributes_set(fd, &set);
}

int chown(const char *name, uid_t user, gid_t group)
{
    struct ts_attributes set = {.mask = TS_ATTRIBUTE_OWNER, .user = user, .group = group};
    return attributes_set_path(AT_FDCWD, name, &set);
}

int lchown(const char *name, uid_t user, gid_t group)
{
    return chown(name, user, group);
}

static int64_t time_ns(const struct timespec *time)
{
    if (time == NULL || time->tv_nsec == UTIME_NOW) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        return ts_time_of(now.tv_sec, TS_SECOND, now.tv_nsec);
    }
    return ts_time_of(time->tv_sec, TS_SECOND, time->tv_nsec);
}

static struct ts_attributes times_of(const struct timespec times[2])
{
    struct ts_attributes set = {.accessed_ns = time_ns(times != NULL ? &times[0] : NULL),
                                .modified_ns = time_ns(times != NULL ? &times[1] : NULL)};
    set.mask |= times != NULL && times[0].tv_nsec == UTIME_OMIT ? 0 : TS_ATTRIBUTE_ACCESSED;
    set.mask |= times != NULL && times[1].tv_nsec == UTIME_OMIT ? 0 : TS_ATTRIBUTE_MODIFIED;
    return set;
}

int utimensat(int at, const char *name, const struct timespec times[2], int flags)
{
    (void)flags;
    struct ts_attributes set = times_of(times);
    return attributes_set_path(at, name, &set);
}

int futimens(int fd, const struct timespec times[2])
{
    struct ts_attributes set = times_of(times);
    return attributes_set(fd, &set);
}

int utimes(const char *name, const struct timeval times[2])
{
    struct timespec exact[2];
    for (int i = 0; times != NULL && i < 2; i++) {
        exact[i] = (struct timespec){times[i].tv_sec,
                                     (long)ts_time_of(times[i].tv_usec, TS_MICROSECOND, 0)};
    }
    return utimensat(AT_FDCWD, name, times != NULL ? exact : NULL, 0);
}

int utime(const char *name, const struct utimbuf *times)
{
    struct timespec exact[2];
    if (times != NULL) {
        exact[0] = (struct timespec){times->actime, 0};
        exact[1] = (struct timespec){times->modtime, 0};
    }
    return utimensat(AT_FDCWD, name, times != NULL ? exact : NULL, 0);
}

// There are neither symbolic links nor special files to make.
ssize_t readlinkat(int at, const char *restrict name, char *restrict buffer, size_t size)
{
    (void)buffer, (void)size;
    struct stat info;
    return fstatat(at, name, &info, 0) < 0 ? -1 : posix_fail(EINVAL);
}

ssize_t readlink(const char *restrict name, char *restrict buffer, size_t size)
{
    return readlinkat(AT_FDCWD, name, buffer, size);
}

int symlink(const char *target, const char *name)
{
    (void)target, (void)name;
    return posix_fail(EOPNOTSUPP);
}

int mknod(const char *name, mode_t mode, dev_t device)
{
    (void)name, (void)mode, (void)device;
    return posix_fail(EOPNOTSUPP);
}

int mkfifo(const char *name, mode_t mode)
{
    return mknod(name, mode | S_IFIFO, 0);
}
