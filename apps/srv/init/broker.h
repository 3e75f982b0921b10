// SPDX-License-Identifier: MIT
// Leading clients to services.
#pragma once

#include <tessera/lib/server.h>
#include "service.h"

// A session that is opened once and then led to again and again.
struct session_cache {
    ts_handle_t session;
    uint32_t instance; // of the service
};

// Answers an open, once there is an instance of `target`: with a redirect, from byte `consumed` of
// the path on, to its root, or to the session that is kept in `cache`; or with what it has at
// `path`, asked for each time.
struct broker_wish {
    struct service *target;
    const char *path;
    struct session_cache *cache; // may be NULL
    uint32_t consumed;
    bool root;
    bool redirect; // without both: also what was asked for leads on
    bool mount;    // all that have the tree are led there: not with MANAGE
};
extern const struct service_events broker_events;

void broker_init(void);
void broker_open(struct ts_request *request, const struct broker_wish *wish);
void broker_cancel(struct ts_request *request);
void broker_forget(struct ts_object *object); // its last handle is gone: answers what it has kept
