// SPDX-License-Identifier: MIT
// Asking a service for an object, asynchronously.
#pragma once

#include <tessera/lib/loop.h>
#include <tessera/lib/server.h>

struct service;

// A session or other object of a service that init asks for, on behalf of a request or of a start.
struct asking {
    struct ts_async async;
    struct service *target;
    uint32_t instance;
    void (*done)(struct asking *asking, ts_status_t status, ts_handle_t handle);
    struct ts_request *request; // broker; NULL: none, or it was cancelled
    uint32_t length;            // of the path asked for
    uint32_t handle;            // settle: which of the configuration's it is for
    bool redirected;            // the target sends its clients on to another server
};

// Asks the target for the object at `path`: `done` comes later with a handle, or a status. The
// storage must stay until then.
void ask_session(struct asking *asking, struct service *target, const char *path,
                 ts_time_t deadline);
