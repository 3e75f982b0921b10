// SPDX-License-Identifier: MIT
#include <syscall/asked.h>

#include <core/ring.h>

const struct operation_rule operation_rules[TS_OP_COUNT] = {
#define TS_OPERATION(NAME, name, number, needed, who, plain, by_ring, bytes, arg, value, ...) \
    [number] = {.rights = (needed),                                                           \
                .answers = TS_ANSWERS_##who,                                                  \
                .flags = (plain),                                                             \
                .ring_flags = (by_ring),                                                      \
                .payload = TS_PAYLOAD_##bytes,                                                \
                .gives_handle = TS_RESULT_##value == TS_RESULT_HANDLE},
#include <tessera/abi/operation.def>
#undef TS_OPERATION
};

#define TS_OPERATION(NAME, name, number, ...) \
    _Static_assert((number) < TS_OP_COUNT, "the numbers of operations have no gap");
#include <tessera/abi/operation.def>
#undef TS_OPERATION

struct request *asked_record(struct asked *asked)
{
    const struct operation *operation = &asked->operation;
    struct request *request;
    if (asked->ring != NULL) {
        request = ring_record_take(asked->ring);
        if (request == NULL) {
            return NULL;
        }
    } else {
        request = &asked->thread->request;
        atomic_store_explicit(&asked->thread->completed, false, memory_order_relaxed);
    }
    const struct request_terms terms = {
        .op = operation->op,
        .flags = operation->flags & TS_FLAGS_ALL,
        .handle = operation->handle,
        .priority = asked->thread->priority,
        .offset = operation->offset,
        .arg = operation->arg,
        .user_data = operation->user_data,
        .deadline = operation->deadline,
    };
    request_fill(request, &terms);
    return request;
}

void asked_record_drop(struct asked *asked, struct request *request)
{
    if (asked->ring != NULL) {
        ring_record_give(asked->ring, request);
    } else {
        request->state = REQUEST_FREE;
    }
}
