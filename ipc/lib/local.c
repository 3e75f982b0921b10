// SPDX-License-Identifier: MIT
// The in-process back-end of struct ts_request: bytes are copied once by memcpy, objects are handed
// over as pointers, answers are stores into the caller's result.
#include <string.h>
#include <tessera/lib/local.h>

struct local_request {
    struct ts_request request; // first: handlers get its address
    const struct ts_local_op *op;
    struct ts_local_result *result;
    bool answered;
};

static struct local_request *local_of(struct ts_request *request)
{
    return TS_OBJECT_OF(request, struct local_request, request);
}

static ts_status_t local_pull(struct ts_request *request, void *buffer, size_t length,
                              uint64_t offset, size_t *out_bytes)
{
    memcpy(buffer, (const char *)local_of(request)->op->in + offset, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t local_push(struct ts_request *request, const void *buffer, size_t length,
                              uint64_t offset, size_t *out_bytes)
{
    memcpy((char *)local_of(request)->op->out + offset, buffer, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t local_take(struct ts_request *request, unsigned index, ts_handle_t *out_handle,
                              struct ts_object **out_object, ts_rights_t *out_rights)
{
    *out_handle = local_of(request)->op->handles[index];
    *out_object = NULL;
    *out_rights = 0;
    return TS_OK;
}

static ts_status_t local_reply(struct ts_request *request, struct ts_reply *reply,
                               struct ts_object *object, enum ts_reply_bytes bytes)
{
    (void)bytes;
    struct local_request *local = local_of(request);
    if (reply->result == TS_REPLY_MINT) {
        object->signals = reply->signals;
    }
    if (reply->length > 0) {
        memcpy(local->op->out, (const void *)(uintptr_t)reply->address, reply->length);
    }
    *local->result = (struct ts_local_result){
        .status = reply->status,
        .value = reply->value,
        .object = object,
        .redirect = reply->result == TS_REPLY_REDIRECT,
        .rights = reply->rights & request->rights,
    };
    if (reply->result == TS_REPLY_MOVE || reply->result == TS_REPLY_REDIRECT) {
        local->result->handle = reply->object;
    }
    local->answered = true;
    return TS_OK;
}

static const struct ts_request_backend local_backend = {local_pull, local_push, local_take,
                                                        local_reply};

// A request that its handler keeps lies on this stack: the loop runs until it is answered.
static ts_status_t wait_for_answer(struct ts_local *local, struct local_request *request)
{
    while (!request->answered) {
        if (local->loop == NULL) {
            return TS_ERR_AGAIN;
        }
        ts_status_t status = ts_loop_step(local->loop, TS_DEADLINE_NONE);
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

ts_status_t ts_local_call(struct ts_local *local, struct ts_object *object,
                          const struct ts_local_op *op, struct ts_local_result *out_result)
{
    struct local_request request = {
        .request = {.backend = &local_backend,
                    .object = object,
                    .offset = op->offset,
                    .arg = op->arg,
                    .span = op->span,
                    .client = op->client,
                    .length = op->in_length,
                    .room = op->out_length,
                    .inbox = op->in,
                    .inbox_length = op->in_length,
                    .rights = op->rights,
                    .op = (uint8_t)op->op,
                    .flags = op->flags,
                    .in_handles = op->handle_count},
        .op = op,
        .result = out_result,
    };
    ts_request_dispatch(&request.request);
    ts_status_t status = wait_for_answer(local, &request);
    if (!request.answered) {
        request.request.cancelled = true;
        if (object->operations->cancel != NULL) {
            object->operations->cancel(&request.request);
        }
        if (!request.answered) {
            __builtin_trap(); // the handler still has the address of what ends here: our bug
        }
        return status;
    }
    return out_result->status;
}

void ts_local_close(struct ts_object *object)
{
    if (object->operations->closed != NULL) {
        object->operations->closed(object);
    }
}
