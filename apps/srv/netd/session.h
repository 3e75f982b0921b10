// SPDX-License-Identifier: MIT
// Sessions: one for each client, on which its sockets are counted.
#pragma once

#include "netd.h"

struct session {
    struct ts_object object;
    uint32_t number;
    uint32_t sockets;
    bool closed; // the client is gone; the session ends with its last socket
};

// Counts a socket in. TS_ERR_LIMIT: the session has its share.
TS_MUST_USE ts_status_t session_add(struct session *session);
void session_drop(struct session *session);

// Operations of the root that init holds: `open` makes sessions.
extern const struct ts_operations root_operations;

// Property and flags every socket has.
#define SOCKET_RIGHTS                                                                 \
    (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_WAIT | \
     TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)
