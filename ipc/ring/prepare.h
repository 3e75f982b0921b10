// SPDX-License-Identifier: MIT
// Fills a submission for each operation: a slot of ts_ring_slot. Meanings and errors are those of
// the functions of the same name in <tessera/lib/op.h>.
#pragma once

#include <tessera/abi/object.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/right.h>
#include <tessera/ring/ring.h>

#define TS_PREPARE_ static inline void

TS_PREPARE_ ts_prepare(struct ts_submission *s, enum ts_operation op, ts_handle_t handle,
                       const void *address, uint32_t length, uint64_t offset, uint64_t arg,
                       ts_time_t deadline, uint64_t user_data)
{
    *s = (struct ts_submission){.op = (uint8_t)op,
                                .handle = handle,
                                .user_data = user_data,
                                .address = (uint64_t)(uintptr_t)address,
                                .length = length,
                                .offset = offset,
                                .arg = arg,
                                .deadline = (uint64_t)deadline};
}

TS_PREPARE_ ts_prepare_nop(struct ts_submission *s, uint64_t user_data)
{
    ts_prepare(s, TS_OP_NOP, 0, NULL, 0, 0, 0, 0, user_data);
}

TS_PREPARE_ ts_prepare_read(struct ts_submission *s, ts_handle_t handle, void *buffer,
                            uint32_t length, uint64_t offset, ts_time_t deadline,
                            uint64_t user_data)
{
    ts_prepare(s, TS_OP_READ, handle, buffer, length, offset, 0, deadline, user_data);
}

TS_PREPARE_ ts_prepare_write(struct ts_submission *s, ts_handle_t handle, const void *buffer,
                             uint32_t length, uint64_t offset, ts_time_t deadline,
                             uint64_t user_data)
{
    ts_prepare(s, TS_OP_WRITE, handle, buffer, length, offset, 0, deadline, user_data);
}

TS_PREPARE_ ts_prepare_read_current(struct ts_submission *s, ts_handle_t handle, void *buffer,
                                    uint32_t length, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, TS_OP_READ, handle, buffer, length, 0, 0, deadline, user_data);
    s->flags = TS_FLAG_CURRENT;
}

TS_PREPARE_ ts_prepare_write_current(struct ts_submission *s, ts_handle_t handle,
                                     const void *buffer, uint32_t length, ts_time_t deadline,
                                     uint64_t user_data)
{
    ts_prepare(s, TS_OP_WRITE, handle, buffer, length, 0, 0, deadline, user_data);
    s->flags = TS_FLAG_CURRENT;
}

// Gathers from (or scatters to) at most TS_SEGMENTS_MAX segments, which must stay like the buffers.
TS_PREPARE_ ts_prepare_vector(struct ts_submission *s, enum ts_operation op, ts_handle_t handle,
                              const struct ts_segment *segments, uint32_t count, unsigned flags,
                              uint64_t offset, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, op, handle, segments, count, offset, 0, deadline, user_data);
    s->flags = (uint8_t)(TS_FLAG_VECTOR | flags);
}

// Completes with the handle in `value`; flag REDIRECT: go on there with the path from byte `extra`.
TS_PREPARE_ ts_prepare_open(struct ts_submission *s, ts_handle_t root, const char *path,
                            uint32_t length, unsigned flags, ts_rights_t rights, ts_time_t deadline,
                            uint64_t user_data)
{
    ts_prepare(s, TS_OP_OPEN, root, path, length, 0, TS_OPEN_ARG(flags, 0), deadline, user_data);
    s->rights = rights;
}

TS_PREPARE_ ts_prepare_accept(struct ts_submission *s, ts_handle_t handle, ts_rights_t rights,
                              ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, TS_OP_ACCEPT, handle, NULL, 0, 0, 0, deadline, user_data);
    s->rights = rights;
}

TS_PREPARE_ ts_prepare_get(struct ts_submission *s, ts_handle_t handle, unsigned property,
                           void *buffer, uint32_t length, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, TS_OP_GET, handle, buffer, length, 0, property, deadline, user_data);
}

TS_PREPARE_ ts_prepare_set(struct ts_submission *s, ts_handle_t handle, unsigned property,
                           const void *buffer, uint32_t length, ts_time_t deadline,
                           uint64_t user_data)
{
    ts_prepare(s, TS_OP_SET, handle, buffer, length, 0, property, deadline, user_data);
}

// Completes with the signals of `mask` that are set in `value` (an event: its count).
TS_PREPARE_ ts_prepare_wait(struct ts_submission *s, ts_handle_t handle, ts_signals_t mask,
                            ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, TS_OP_WAIT, handle, NULL, 0, 0, mask, deadline, user_data);
}

// An event each time one of them is set, with flag MORE, until cancelled.
TS_PREPARE_ ts_prepare_watch(struct ts_submission *s, ts_handle_t handle, ts_signals_t mask,
                             uint64_t user_data)
{
    ts_prepare(s, TS_OP_WAIT, handle, NULL, 0, 0, mask, 0, user_data);
    s->flags = TS_FLAG_MULTI;
}

TS_PREPARE_ ts_prepare_call(struct ts_submission *s, ts_handle_t handle, uint32_t method,
                            struct ts_call *call, ts_time_t deadline, uint64_t user_data)
{
    call->method = method;
    ts_prepare(s, TS_OP_CALL, handle, call, sizeof(*call), 0, method, deadline, user_data);
}

TS_PREPARE_ ts_prepare_signal_event(struct ts_submission *s, ts_handle_t event, uint64_t add,
                                    uint64_t user_data)
{
    ts_prepare(s, TS_OP_SIGNAL, event, NULL, 0, 0, add, 0, user_data);
}

TS_PREPARE_ ts_prepare_close(struct ts_submission *s, ts_handle_t handle, uint64_t user_data)
{
    ts_prepare(s, TS_OP_CLOSE, handle, NULL, 0, 0, 0, 0, user_data);
}

// Completes when `deadline` has passed.
TS_PREPARE_ ts_prepare_timeout(struct ts_submission *s, ts_time_t deadline, uint64_t user_data)
{
    ts_prepare(s, TS_OP_TIMEOUT, 0, NULL, 0, 0, 0, deadline, user_data);
}

// Cancels the operation of this ring with `target` as user_data. flags: 0 or TS_FLAG_FORCE.
TS_PREPARE_ ts_prepare_cancel(struct ts_submission *s, uint64_t target, unsigned flags,
                              uint64_t user_data)
{
    ts_prepare(s, TS_OP_CANCEL, 0, NULL, 0, 0, target, 0, user_data);
    s->flags = (uint8_t)flags;
}

// A server's answer without a handle. Bytes must stay until the ring has taken the submission.
TS_PREPARE_ ts_prepare_reply(struct ts_submission *s, ts_handle_t port, uint64_t request,
                             ts_status_t status, uint64_t value, const void *bytes, uint32_t length,
                             uint64_t user_data)
{
    ts_prepare(s, TS_OP_REPLY, port, bytes, length, value, request, 0, user_data);
    s->arg2 = TS_REPLY_WORD(status, TS_REPLY_NONE);
    s->flags = TS_FLAG_QUIET;
}

// Changes a served object's signals.
TS_PREPARE_ ts_prepare_signal_object(struct ts_submission *s, ts_handle_t port, uint32_t oid,
                                     ts_signals_t clear, ts_signals_t set, uint64_t user_data)
{
    ts_prepare(s, TS_OP_SIGNAL, port, NULL, 0, clear | (uint64_t)set << 32, oid, 0, user_data);
    s->flags = TS_FLAG_QUIET;
}
#undef TS_PREPARE_
