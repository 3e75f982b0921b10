// SPDX-License-Identifier: MIT
// Names of services in clients' hands. READABLE while the service is ready.
#pragma once

#include "broker.h"

// The name of a service in a client's hands.
struct name {
    struct ts_object object;
    struct service *target;
    const char *path;             // what is opened there
    struct session_cache session; // where paths below it are opened
    struct name *next;            // of the same target
};

extern const struct service_events name_events;

TS_MUST_USE ts_status_t name_create(struct service *target, const char *path, ts_rights_t rights,
                                    ts_handle_t *out_handle);
