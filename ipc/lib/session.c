// SPDX-License-Identifier: MIT
#include <tessera/lib/session.h>

ts_status_t ts_session_get(struct ts_session *session, ts_time_t deadline, ts_handle_t *out_handle)
{
    if (!session->session) {
        ts_status_t status =
            ts_open_until(session->service, "", 0, TS_RIGHTS_SAME, deadline, &session->session);
        if (status != TS_OK) {
            return status;
        }
    }
    *out_handle = session->session;
    return TS_OK;
}

void ts_session_lost(struct ts_session *session, ts_handle_t handle)
{
    if (session->session != handle) {
        return;
    }
    ts_close(session->session);
    session->session = TS_HANDLE_NONE;
}
