// SPDX-License-Identifier: MIT
// Sessions: what a client opens, and makes its sockets from. A socket, and all that it holds, is
// the client's that asked for it, not the session's: a session can be handed on.
#pragma once

#include "netd.h"

struct session {
    struct ts_object object;
    uint32_t number;
    uint32_t client; // pays for it
    uint32_t sockets;
    bool closed; // the client is gone; the session ends with its last socket
};

// Counts a socket of this client in. False: the client has its share.
bool session_add(struct session *session, uint32_t client);
void session_drop(struct session *session, uint32_t client);
void session_free(struct session *session); // one without sockets

// A bind's port: those below TS_NET_PORT_GRANTED need SHARE on the socket, which it has of the
// session that made it. TS_ERR_RIGHTS.
TS_MUST_USE ts_status_t session_may_bind(const struct ts_request *request, uint16_t port);

// Property and flags every socket has.
#define SOCKET_RIGHTS                                                                 \
    (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_WAIT | \
     TS_RIGHT_SHARE | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)
