// SPDX-License-Identifier: MIT
#include <errno.h>
#include <tessera/lib/op.h>
#include <tessera/proto/console.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"

int isatty(int fd)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return 0;
    }
    uint64_t mode;
    ts_status_t status = ts_get_u64(file->handle, TS_PROPERTY_CONSOLE_MODE, &mode);
    open_file_put(file);
    if (status != TS_OK) {
        posix_fail(ENOTTY);
        return 0;
    }
    return 1;
}
