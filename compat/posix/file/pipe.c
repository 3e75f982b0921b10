// SPDX-License-Identifier: MIT
// pipe(): both ends come from the service behind the named handle `pipe`.
#include <fcntl.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/session.h>
#include <tessera/proto/pipe.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"

int pipe2(int[2], int); // newlib declares it for GNU programs only

static struct ts_session session;

static ts_status_t make(ts_handle_t out_ends[2])
{
    session.service = ts_named_handle(TS_NAME_PIPE);
    if (!session.service) {
        return TS_ERR_UNSUPPORTED;
    }
    // Once more with the service's next instance when it has died since.
    for (int attempt = 0;; attempt++) {
        ts_handle_t handle;
        ts_status_t status = ts_session_get(&session, TS_DEADLINE_NONE, &handle);
        if (status != TS_OK) {
            return status;
        }
        struct ts_call call = {.out_handles = 2};
        status = ts_call(handle, TS_PIPE_MAKE, &call, TS_DEADLINE_NONE, NULL);
        if (status == TS_OK) {
            out_ends[0] = call.out_handle[0];
            out_ends[1] = call.out_handle[1];
        }
        if (status != TS_ERR_PEER_CLOSED || attempt) {
            return status;
        }
        ts_session_lost(&session, handle);
    }
}

int pipe2(int ends[2], int flags)
{
    ts_handle_t handles[2];
    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) {
        return posix_fail(EINVAL);
    }
    ts_status_t status = make(handles);
    if (status != TS_OK) {
        return posix_result(status == TS_ERR_LIMIT ? TS_ERR_MEMORY : status);
    }
    struct open_file *reader =
        open_file_make(OPEN_PIPE, handles[0], O_RDONLY | (flags & O_NONBLOCK));
    struct open_file *writer =
        open_file_make(OPEN_PIPE, handles[1], O_WRONLY | (flags & O_NONBLOCK));
    if (reader == NULL || writer == NULL) {
        if (reader != NULL) {
            open_file_put(reader);
        }
        if (writer != NULL) {
            open_file_put(writer);
        }
        return -1;
    }
    ends[0] = descriptor_install(reader, 0, flags & O_CLOEXEC);
    if (ends[0] < 0) {
        open_file_put(writer);
        return -1;
    }
    ends[1] = descriptor_install(writer, 0, flags & O_CLOEXEC);
    if (ends[1] < 0) {
        close(ends[0]);
        return posix_fail(EMFILE);
    }
    return 0;
}

int pipe(int ends[2])
{
    return pipe2(ends, 0);
}
