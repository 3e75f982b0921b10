// SPDX-License-Identifier: MIT
// Queues of kept requests, in the order in which they came.
#pragma once

#include <tessera/lib/server.h>

struct request_queue {
    struct ts_request *first, *last;
};

// Only requests of ACCOUNT_REQUESTS are in a queue: request_keep puts them there.
static inline void request_put(struct request_queue *queue, struct ts_request *request)
{
    request->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = request;
    } else {
        queue->first = request;
    }
    queue->last = request;
}

// The request will be answered later: taken from its client's share of kept requests. False: it
// has no more, and the request was answered with TS_ERR_LIMIT.
bool request_hold(struct ts_request *request);
// It is about to be answered.
void request_let_go(struct ts_request *request);

// Holds it and puts it in the queue. False: as request_hold.
bool request_keep(struct request_queue *queue, struct ts_request *request);

// The first leaves, and is held no longer; the queue is not empty.
static inline struct ts_request *request_take(struct request_queue *queue)
{
    struct ts_request *request = queue->first;
    queue->first = request->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    request_let_go(request);
    return request;
}

// Takes this one out, which is held no longer. False: it is not there.
bool request_remove(struct request_queue *queue, struct ts_request *request);

// Answers all of them with a status.
void request_fail_all(struct request_queue *queue, ts_status_t status);

// The u32 that a method takes. TS_ERR_ARGUMENT: another length.
TS_MUST_USE ts_status_t request_word(struct ts_request *request, uint32_t *out_word);

// The flags that RECEIVE takes. TS_ERR_ARGUMENT; TS_ERR_OVERFLOW: no room for the answer's head;
// TS_ERR_RIGHTS.
TS_MUST_USE ts_status_t request_receive_flags(struct ts_request *request, uint32_t *out_flags);

// Answers set: STATUS_FLAGS is all that can be set of a socket.
void request_set_nowait(struct ts_request *request, bool *out_nowait);

// Answers with a structure; TS_ERR_OVERFLOW when the client has no room for all of it.
void request_reply_struct(struct ts_request *request, const void *bytes, uint32_t size);
