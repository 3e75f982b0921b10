// SPDX-License-Identifier: MIT
#include "request.h"

bool request_remove(struct request_queue *queue, struct ts_request *request)
{
    struct ts_request *before = NULL;
    for (struct ts_request *at = queue->first; at != NULL; before = at, at = at->next) {
        if (at != request)
            continue;
        if (before != NULL)
            before->next = at->next;
        else
            queue->first = at->next;
        if (queue->last == at)
            queue->last = before;
        return true;
    }
    return false;
}

void request_fail_all(struct request_queue *queue, ts_status_t status)
{
    while (queue->first != NULL)
        ts_request_reply(request_take(queue), status, 0);
}

ts_status_t request_word(struct ts_request *request, uint32_t *out_word)
{
    return ts_request_pull_exact(request, out_word, sizeof(*out_word));
}

void request_reply_struct(struct ts_request *request, const void *bytes, uint32_t size)
{
    if (request->room < size)
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    else
        ts_request_reply_bytes(request, bytes, size);
}
