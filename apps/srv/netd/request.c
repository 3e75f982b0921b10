// SPDX-License-Identifier: MIT
#include "request.h"

#include <tessera/abi/object.h>
#include <tessera/proto/net.h>

#include "account.h"

bool request_hold(struct ts_request *request)
{
    bool held = account_take(ACCOUNT_REQUESTS, request->client, 1);
    if (!held) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
    }
    return held;
}

void request_let_go(struct ts_request *request)
{
    account_give(ACCOUNT_REQUESTS, request->client, 1);
}

bool request_keep(struct ts_request_list *queue, struct ts_request *request)
{
    bool held = request_hold(request);
    if (held) {
        ts_request_list_add(queue, request);
    }
    return held;
}

bool request_remove(struct ts_request_list *queue, struct ts_request *request)
{
    bool there = ts_request_list_remove(queue, request);
    if (there) {
        request_let_go(request);
    }
    return there;
}

void request_fail_all(struct ts_request_list *queue, ts_status_t status)
{
    while (queue->first != NULL) {
        ts_request_reply(request_take(queue), status, 0);
    }
}

ts_status_t request_word(struct ts_request *request, uint32_t *out_word)
{
    return ts_request_pull_exact(request, out_word, sizeof(*out_word));
}

ts_status_t request_receive_flags(struct ts_request *request, uint32_t *out_flags)
{
    ts_status_t status = request_word(request, out_flags);
    if (status == TS_OK && (*out_flags & ~TS_NET_RECEIVE_PEEK) != 0) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK && request->room < sizeof(struct ts_net_received)) {
        status = TS_ERR_OVERFLOW;
    }
    if (status == TS_OK && !ts_request_has(request, TS_RIGHT_READ)) {
        status = TS_ERR_RIGHTS;
    }
    return status;
}

void request_set_nowait(struct ts_request *request, bool *out_nowait)
{
    uint64_t flags = 0;
    ts_status_t status = TS_ERR_UNSUPPORTED;
    if (request->arg == TS_PROPERTY_STATUS_FLAGS) {
        status = ts_request_pull_exact(request, &flags, sizeof(flags));
    }
    if (status == TS_OK && (flags & ~(uint64_t)(TS_OPEN_NOWAIT | TS_OPEN_APPEND)) != 0) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK) {
        *out_nowait = (flags & TS_OPEN_NOWAIT) != 0;
    }
    ts_request_reply(request, status, 0);
}
