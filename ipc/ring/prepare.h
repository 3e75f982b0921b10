// SPDX-License-Identifier: MIT
// Fills a submission for each operation: a slot of ts_ring_slot. Meanings and errors are those of
// the functions of the same name in <tessera/lib/op.h>.
#pragma once

#include <tessera/abi/object.h>
#include <tessera/abi/right.h>
#include <tessera/lib/operation.h>
#include <tessera/ring/ring.h>

#define TS_PREPARE_ static inline void

// Any operation.
TS_PREPARE_ ts_prepare(struct ts_submission *s, ts_handle_t handle, const struct ts_op *op,
                       uint64_t user_data)
{
    *s = (struct ts_submission){
        .op = (uint8_t)op->op,
        .flags = (uint8_t)op->flags,
        .rights = op->rights,
        .handle = handle,
        .user_data = user_data,
        .address = (uintptr_t)op->address,
        // What does not fit is too long in any case.
        .length = op->length > UINT32_MAX ? UINT32_MAX : (uint32_t)op->length,
        .offset = op->offset,
        .arg = op->arg,
        .deadline = (uint64_t)op->deadline,
    };
}

TS_PREPARE_ ts_prepare_nop(struct ts_submission *s, uint64_t user_data)
{
    ts_prepare(s, TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_NOP}, user_data);
}

TS_PREPARE_ ts_prepare_read(struct ts_submission *s, ts_handle_t handle, void *buffer,
                            uint32_t length, uint64_t offset, ts_time_t deadline,
                            uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_READ,
                               .address = buffer,
                               .length = length,
                               .offset = offset,
                               .deadline = deadline},
               user_data);
}

TS_PREPARE_ ts_prepare_write(struct ts_submission *s, ts_handle_t handle, const void *buffer,
                             uint32_t length, uint64_t offset, ts_time_t deadline,
                             uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_WRITE,
                               .address = buffer,
                               .length = length,
                               .offset = offset,
                               .deadline = deadline},
               user_data);
}

TS_PREPARE_ ts_prepare_read_current(struct ts_submission *s, ts_handle_t handle, void *buffer,
                                    uint32_t length, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_READ,
                               .address = buffer,
                               .length = length,
                               .deadline = deadline,
                               .flags = TS_FLAG_CURRENT},
               user_data);
}

TS_PREPARE_ ts_prepare_write_current(struct ts_submission *s, ts_handle_t handle,
                                     const void *buffer, uint32_t length, ts_time_t deadline,
                                     uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_WRITE,
                               .address = buffer,
                               .length = length,
                               .deadline = deadline,
                               .flags = TS_FLAG_CURRENT},
               user_data);
}

// Gathers from (or scatters to) at most TS_SEGMENTS_MAX segments, which must stay like the buffers.
TS_PREPARE_ ts_prepare_vector(struct ts_submission *s, enum ts_operation op, ts_handle_t handle,
                              const struct ts_segment *segments, uint32_t count, unsigned flags,
                              uint64_t offset, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = op,
                               .address = segments,
                               .length = count,
                               .offset = offset,
                               .deadline = deadline,
                               .flags = TS_FLAG_VECTOR | flags},
               user_data);
}

// Completes with the handle in `value`; flag REDIRECT: go on there with the path from byte `extra`.
TS_PREPARE_ ts_prepare_open(struct ts_submission *s, ts_handle_t root, const char *path,
                            uint32_t length, unsigned flags, ts_rights_t rights, ts_time_t deadline,
                            uint64_t user_data)
{
    ts_prepare(s, root,
               &(struct ts_op){.op = TS_OP_OPEN,
                               .address = path,
                               .length = length,
                               .arg = ts_open_arg(flags, 0),
                               .deadline = deadline,
                               .rights = rights},
               user_data);
}

// Value: bytes of records; `cookie` as of ts_list.
TS_PREPARE_ ts_prepare_list(struct ts_submission *s, ts_handle_t handle, void *buffer,
                            uint32_t length, uint64_t cookie, ts_time_t deadline,
                            uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_LIST,
                               .address = buffer,
                               .length = length,
                               .offset = cookie,
                               .deadline = deadline},
               user_data);
}

TS_PREPARE_ ts_prepare_accept(struct ts_submission *s, ts_handle_t handle, ts_rights_t rights,
                              ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_ACCEPT, .deadline = deadline, .rights = rights},
               user_data);
}

TS_PREPARE_ ts_prepare_get(struct ts_submission *s, ts_handle_t handle, unsigned property,
                           void *buffer, uint32_t length, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_GET,
                               .address = buffer,
                               .length = length,
                               .arg = property,
                               .deadline = deadline},
               user_data);
}

TS_PREPARE_ ts_prepare_set(struct ts_submission *s, ts_handle_t handle, unsigned property,
                           const void *buffer, uint32_t length, ts_time_t deadline,
                           uint64_t user_data)
{
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_SET,
                               .address = buffer,
                               .length = length,
                               .arg = property,
                               .deadline = deadline},
               user_data);
}

// Completes with the signals of `mask` that are set in `value` (an event: its count).
TS_PREPARE_ ts_prepare_wait(struct ts_submission *s, ts_handle_t handle, ts_signals_t mask,
                            ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, handle, &(struct ts_op){.op = TS_OP_WAIT, .arg = mask, .deadline = deadline},
               user_data);
}

// An event each time one of them is set, with flag MORE, until cancelled.
TS_PREPARE_ ts_prepare_watch(struct ts_submission *s, ts_handle_t handle, ts_signals_t mask,
                             uint64_t user_data)
{
    ts_prepare(s, handle, &(struct ts_op){.op = TS_OP_WAIT, .arg = mask, .flags = TS_FLAG_MULTI},
               user_data);
}

TS_PREPARE_ ts_prepare_call(struct ts_submission *s, ts_handle_t handle, uint32_t method,
                            struct ts_call *call, ts_time_t deadline, uint64_t user_data)
{
    call->method = method;
    ts_prepare(s, handle,
               &(struct ts_op){.op = TS_OP_CALL,
                               .address = call,
                               .length = sizeof(*call),
                               .arg = method,
                               .deadline = deadline},
               user_data);
}

TS_PREPARE_ ts_prepare_signal_event(struct ts_submission *s, ts_handle_t event, uint64_t add,
                                    uint64_t user_data)
{
    ts_prepare(s, event, &(struct ts_op){.op = TS_OP_SIGNAL, .arg = add}, user_data);
}

TS_PREPARE_ ts_prepare_close(struct ts_submission *s, ts_handle_t handle, uint64_t user_data)
{
    ts_prepare(s, handle, &(struct ts_op){.op = TS_OP_CLOSE}, user_data);
}

// Completes when `deadline` has passed.
TS_PREPARE_ ts_prepare_timeout(struct ts_submission *s, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_TIMEOUT, .deadline = deadline},
               user_data);
}

// Cancels the operation of this ring with `target` as user_data. flags: 0 or TS_FLAG_FORCE.
TS_PREPARE_ ts_prepare_cancel(struct ts_submission *s, uint64_t target, unsigned flags,
                              uint64_t user_data)
{
    ts_prepare(s, TS_HANDLE_NONE,
               &(struct ts_op){.op = TS_OP_CANCEL, .arg = target, .flags = flags}, user_data);
}

// A server's answer without a handle. Bytes must stay until the ring has taken the submission.
TS_PREPARE_ ts_prepare_reply(struct ts_submission *s, ts_handle_t port, uint64_t request,
                             ts_status_t status, uint64_t value, const void *bytes, uint32_t length,
                             uint64_t user_data)
{
    ts_prepare(s, port,
               &(struct ts_op){.op = TS_OP_REPLY,
                               .address = bytes,
                               .length = length,
                               .offset = value,
                               .arg = request,
                               .flags = TS_FLAG_QUIET},
               user_data);
    s->arg2 = ts_reply_word(status, TS_REPLY_NONE);
}

// Changes a served object's signals.
TS_PREPARE_ ts_prepare_signal_object(struct ts_submission *s, ts_handle_t port, uint32_t oid,
                                     ts_signals_t clear, ts_signals_t set, uint64_t user_data)
{
    ts_prepare(s, port,
               &(struct ts_op){.op = TS_OP_SIGNAL,
                               .offset = ts_signal_change(clear, set),
                               .arg = oid,
                               .flags = TS_FLAG_QUIET},
               user_data);
}
#undef TS_PREPARE_
