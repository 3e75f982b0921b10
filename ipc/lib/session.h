// SPDX-License-Identifier: MIT
// A session of a named service, opened anew when the service was restarted.
//
// A process's handle "net" (say) names the service, not an instance of it: opening "" on it yields
// a session with the instance that runs now. Use the session until an operation says
// TS_ERR_PEER_CLOSED, then call ts_session_lost and try again where that is safe.
#pragma once

#include <tessera/lib/op.h>

struct ts_session {
    ts_handle_t service; // a named handle; not owned
    ts_handle_t session; // 0 = none yet
};

// The session, opened when there is none. While a service restarts this waits for it, until
// `deadline`. *out_handle is the session's: not to be closed by the caller.
TS_MUST_USE ts_status_t ts_session_get(struct ts_session *session, ts_time_t deadline,
                                       ts_handle_t *out_handle);

// Drops a session on which an operation gave TS_ERR_PEER_CLOSED; `handle` is the one used, so that
// a session opened since by somebody else stays.
void ts_session_lost(struct ts_session *session, ts_handle_t handle);
