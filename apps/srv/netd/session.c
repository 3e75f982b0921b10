// SPDX-License-Identifier: MIT
#include "session.h"

#include "account.h"
#include "heap.h"

bool session_add(struct session *session, uint32_t client)
{
    if (!account_take(ACCOUNT_SOCKETS, client, 1)) {
        return false;
    }
    session->sockets++;
    netd.statistics.sockets++;
    return true;
}

void session_free(struct session *session)
{
    account_give(ACCOUNT_MEMORY, session->client, heap_size(session));
    heap_free(session);
}

void session_drop(struct session *session, uint32_t client)
{
    account_give(ACCOUNT_SOCKETS, client, 1);
    session->sockets--;
    netd.statistics.sockets--;
    if (session->closed && session->sockets == 0) {
        session_free(session);
    }
}

ts_status_t session_may_bind(const struct ts_request *request, uint16_t port)
{
    bool needs = port != 0 && port < TS_NET_PORT_GRANTED;
    return !needs || ts_request_has(request, TS_RIGHT_SHARE) ? TS_OK : TS_ERR_RIGHTS;
}
