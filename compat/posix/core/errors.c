// SPDX-License-Identifier: MIT
// The one place where statuses become errno.
#include <tessera/abi/status.h>
#include "core/posix.h"

#define ERROR(status, number) [-TS_ERR_##status] = (number)
static const unsigned char table[] = {
    ERROR(ARGUMENT, EINVAL),
    ERROR(HANDLE, EBADF),
    ERROR(KIND, EINVAL),
    ERROR(RIGHTS, EACCES),
    ERROR(UNSUPPORTED, EOPNOTSUPP),
    ERROR(FAULT, EFAULT),
    ERROR(LIMIT, ENOMEM),
    ERROR(MEMORY, ENOMEM),
    ERROR(AGAIN, EAGAIN),
    ERROR(TIMED_OUT, ETIMEDOUT),
    ERROR(CANCELLED, ECANCELED),
    ERROR(INTERRUPTED, EINTR),
    ERROR(ABANDONED, EIO),
    ERROR(PEER_CLOSED, EPIPE),
    ERROR(GONE, EIO),
    ERROR(CLIENT_FAULT, EFAULT),
    ERROR(BUSY, EBUSY),
    ERROR(NOT_FOUND, ENOENT),
    ERROR(EXISTS, EEXIST),
    ERROR(NOT_DIRECTORY, ENOTDIR),
    ERROR(IS_DIRECTORY, EISDIR),
    ERROR(NOT_EMPTY, ENOTEMPTY),
    ERROR(NAME_TOO_LONG, ENAMETOOLONG),
    ERROR(NO_SPACE, ENOSPC),
    ERROR(READ_ONLY, EROFS),
    ERROR(TOO_LARGE, EFBIG),
    ERROR(RANGE, EINVAL),
    ERROR(IO, EIO),
    ERROR(CORRUPT, EIO),
    ERROR(PROTOCOL, EPROTO),
    ERROR(LOOP, ELOOP),
    ERROR(ADDRESS_IN_USE, EADDRINUSE),
    ERROR(ADDRESS, EADDRNOTAVAIL),
    ERROR(UNREACHABLE, EHOSTUNREACH),
    ERROR(REFUSED, ECONNREFUSED),
    ERROR(RESET, ECONNRESET),
    ERROR(NOT_CONNECTED, ENOTCONN),
    ERROR(CONNECTED, EISCONN),
    ERROR(IN_PROGRESS, EINPROGRESS),
    ERROR(EXECUTABLE, ENOEXEC),
    ERROR(OVERFLOW, EOVERFLOW),
    ERROR(VERSION, EPROTO),
};

int posix_errno(ts_status_t status)
{
    if (status >= 0) {
        return 0;
    }
    unsigned index = -(unsigned)status;
    return index < sizeof(table) && table[index] ? table[index] : EIO;
}

int posix_fail(int error)
{
    errno = error;
    return -1;
}

int posix_result(ts_status_t status)
{
    return status >= 0 ? 0 : posix_fail(posix_errno(status));
}
