// SPDX-License-Identifier: MIT
// Queues of kept requests, in the order in which they came. All that are in one are held, by
// request_keep() or by hand.
#pragma once

#include <tessera/lib/request_list.h>

// The request will be answered later: taken from its client's share of kept requests. False: it
// has no more, and the request was answered with TS_ERR_LIMIT.
bool request_hold(struct ts_request *request);
// It is about to be answered.
void request_let_go(struct ts_request *request);

// Holds it and puts it in the queue. False: as request_hold.
bool request_keep(struct ts_request_list *queue, struct ts_request *request);

// The first leaves, and is held no longer; the queue is not empty.
static inline struct ts_request *request_take(struct ts_request_list *queue)
{
    struct ts_request *request = ts_request_list_take(queue);
    request_let_go(request);
    return request;
}

// Takes this one out, which is held no longer. False: it is not there.
bool request_remove(struct ts_request_list *queue, struct ts_request *request);

// Answers all of them with a status.
void request_fail_all(struct ts_request_list *queue, ts_status_t status);

// The u32 that a method takes. TS_ERR_ARGUMENT: another length.
TS_MUST_USE ts_status_t request_word(struct ts_request *request, uint32_t *out_word);

// The flags that RECEIVE takes. TS_ERR_ARGUMENT; TS_ERR_OVERFLOW: no room for the answer's head;
// TS_ERR_RIGHTS.
TS_MUST_USE ts_status_t request_receive_flags(struct ts_request *request, uint32_t *out_flags);

// Answers set: STATUS_FLAGS is all that can be set of a socket.
void request_set_nowait(struct ts_request *request, bool *out_nowait);
