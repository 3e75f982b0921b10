// SPDX-License-Identifier: MIT
#include <string.h>
#include <tessera/lib/op.h>

ts_status_t ts_op(ts_handle_t handle, const struct ts_op *op, uint64_t *out_value)
{
    struct ts_result result =
        ts_sys_op(ts_op_word(op->op, op->flags, op->rights, handle), (uintptr_t)op->address,
                  op->length, op->offset, op->arg, (uint64_t)op->deadline);
    if (result.status == TS_OK && out_value != NULL) {
        *out_value = result.value;
    }
    return (ts_status_t)result.status;
}

static size_t clamp_length(size_t length)
{
    return length < TS_LENGTH_MAX ? length : TS_LENGTH_MAX;
}

// A count of bytes moved which cannot be true is the server's fault: the kernel checks it, and so
// this holds even where it does not.
static inline ts_status_t move(enum ts_operation op, unsigned flags, ts_handle_t handle,
                               const void *buffer, size_t length, uint64_t offset,
                               ts_time_t deadline, size_t *out_bytes)
{
    length = clamp_length(length);
    struct ts_result result = ts_sys_op(ts_op_word(op, flags, 0, handle), (uintptr_t)buffer, length,
                                        offset, 0, (uint64_t)deadline);
    if (result.status != TS_OK) {
        return (ts_status_t)result.status;
    }
    if (result.value > length) {
        return TS_ERR_PROTOCOL;
    }
    *out_bytes = result.value;
    return TS_OK;
}

ts_status_t ts_read(ts_handle_t handle, void *buffer, size_t length, uint64_t offset,
                    ts_time_t deadline, size_t *out_bytes)
{
    return move(TS_OP_READ, 0, handle, buffer, length, offset, deadline, out_bytes);
}

ts_status_t ts_write(ts_handle_t handle, const void *buffer, size_t length, uint64_t offset,
                     ts_time_t deadline, size_t *out_bytes)
{
    return move(TS_OP_WRITE, 0, handle, buffer, length, offset, deadline, out_bytes);
}

ts_status_t ts_read_current(ts_handle_t handle, void *buffer, size_t length, unsigned flags,
                            ts_time_t deadline, size_t *out_bytes)
{
    flags |= TS_FLAG_CURRENT;
    return move(TS_OP_READ, flags, handle, buffer, length, 0, deadline, out_bytes);
}

ts_status_t ts_write_current(ts_handle_t handle, const void *buffer, size_t length, unsigned flags,
                             ts_time_t deadline, size_t *out_bytes)
{
    flags |= TS_FLAG_CURRENT;
    return move(TS_OP_WRITE, flags, handle, buffer, length, 0, deadline, out_bytes);
}

ts_status_t ts_read_all(ts_handle_t handle, void *buffer, size_t length, uint64_t offset)
{
    char *to = buffer;
    while (length > 0) {
        size_t bytes;
        ts_status_t status = ts_read(handle, to, length, offset, TS_DEADLINE_NONE, &bytes);
        if (status != TS_OK) {
            return status;
        }
        if (bytes == 0) {
            return TS_ERR_IO;
        }
        to += bytes;
        offset += bytes;
        length -= bytes;
    }
    return TS_OK;
}

ts_status_t ts_write_all_current(ts_handle_t handle, const void *buffer, size_t length)
{
    const char *from = buffer;
    while (length > 0) {
        size_t bytes;
        ts_status_t status = ts_write_current(handle, from, length, 0, TS_DEADLINE_NONE, &bytes);
        if (status != TS_OK) {
            return status;
        }
        if (bytes == 0) {
            return TS_ERR_IO;
        }
        from += bytes;
        length -= bytes;
    }
    return TS_OK;
}

ts_status_t ts_sync(ts_handle_t handle, uint64_t offset, uint64_t length)
{
    return ts_op(handle, &(struct ts_op){.op = TS_OP_SYNC, .offset = offset, .arg = length}, NULL);
}

static ts_status_t op_for_handle(enum ts_operation op, unsigned flags, ts_rights_t rights,
                                 ts_handle_t handle, uint64_t offset, uint64_t arg,
                                 ts_time_t deadline, ts_handle_t *out_handle)
{
    uint64_t value;
    ts_status_t status = ts_op(handle,
                               &(struct ts_op){.op = op,
                                               .flags = flags,
                                               .rights = rights,
                                               .offset = offset,
                                               .arg = arg,
                                               .deadline = deadline},
                               &value);
    if (status == TS_OK) {
        *out_handle = (ts_handle_t)value;
    }
    return status;
}

ts_status_t ts_accept(ts_handle_t handle, unsigned flags, ts_rights_t rights, ts_time_t deadline,
                      ts_handle_t *out_handle)
{
    return op_for_handle(TS_OP_ACCEPT, flags, rights, handle, 0, 0, deadline, out_handle);
}

ts_status_t ts_duplicate(ts_handle_t handle, ts_rights_t rights, ts_handle_t *out_handle)
{
    return op_for_handle(TS_OP_DUPLICATE, 0, rights, handle, 0, 0, TS_DEADLINE_NONE, out_handle);
}

void ts_close(ts_handle_t handle)
{
    if (handle != TS_HANDLE_NONE) {
        (void)ts_op(handle, &(struct ts_op){.op = TS_OP_CLOSE}, NULL);
    }
}

ts_status_t ts_list(ts_handle_t handle, void *buffer, size_t length, uint64_t cookie,
                    size_t *out_bytes)
{
    return move(TS_OP_LIST, 0, handle, buffer, length, cookie, TS_DEADLINE_NONE, out_bytes);
}

ts_status_t ts_get(ts_handle_t handle, unsigned property, void *buffer, size_t length,
                   size_t *out_bytes)
{
    uint64_t value;
    length = clamp_length(length);
    ts_status_t status = ts_op(
        handle,
        &(struct ts_op){.op = TS_OP_GET, .address = buffer, .length = length, .arg = property},
        &value);
    if (status != TS_OK) {
        return status;
    }
    if (value > length) {
        return TS_ERR_PROTOCOL;
    }
    *out_bytes = value;
    return TS_OK;
}

ts_status_t ts_set(ts_handle_t handle, unsigned property, const void *buffer, size_t length)
{
    return ts_op(
        handle,
        &(struct ts_op){.op = TS_OP_SET, .address = buffer, .length = length, .arg = property},
        NULL);
}

ts_status_t ts_get_u64(ts_handle_t handle, unsigned property, uint64_t *out_value)
{
    uint64_t value;
    size_t bytes;
    ts_status_t status = ts_get(handle, property, &value, sizeof(value), &bytes);
    if (status != TS_OK) {
        return status;
    }
    if (bytes != sizeof(value)) {
        return TS_ERR_PROTOCOL;
    }
    *out_value = value;
    return TS_OK;
}

ts_status_t ts_set_u64(ts_handle_t handle, unsigned property, uint64_t value)
{
    return ts_set(handle, property, &value, sizeof(value));
}

ts_status_t ts_wait(ts_handle_t handle, ts_signals_t mask, ts_time_t deadline,
                    ts_signals_t *out_signals)
{
    uint64_t value;
    ts_status_t status =
        ts_op(handle, &(struct ts_op){.op = TS_OP_WAIT, .arg = mask, .deadline = deadline}, &value);
    if (status == TS_OK && out_signals != NULL) {
        *out_signals = (ts_signals_t)value;
    }
    return status;
}

ts_status_t ts_call(ts_handle_t handle, uint32_t method, struct ts_call *call, ts_time_t deadline,
                    uint64_t *out_value)
{
    call->method = method;
    return ts_op(handle,
                 &(struct ts_op){.op = TS_OP_CALL,
                                 .address = call,
                                 .length = sizeof(*call),
                                 .arg = method,
                                 .deadline = deadline},
                 out_value);
}

static void call_fill(struct ts_call *call, const void *in, size_t in_length, void *out,
                      size_t out_length)
{
    memset(call, 0, sizeof(*call));
    call->in_address = (uintptr_t)in;
    call->in_length = (uint32_t)clamp_length(in_length);
    call->out_address = (uintptr_t)out;
    call->out_length = (uint32_t)clamp_length(out_length);
}

ts_status_t ts_call_bytes(ts_handle_t handle, uint32_t method, const void *in, size_t in_length,
                          void *out, size_t out_length, uint64_t *out_value)
{
    struct ts_call call;
    call_fill(&call, in, in_length, out, out_length);
    return ts_call(handle, method, &call, TS_DEADLINE_NONE, out_value);
}

ts_status_t ts_call_handle(ts_handle_t handle, uint32_t method, const void *in, size_t in_length,
                           void *out, size_t out_length, ts_handle_t *out_handle)
{
    struct ts_call call;
    call_fill(&call, in, in_length, out, out_length);
    call.out_handles = 1;
    ts_status_t status = ts_call(handle, method, &call, TS_DEADLINE_NONE, NULL);
    if (status != TS_OK) {
        return status;
    }
    if (call.out_handle[0] == TS_HANDLE_NONE) {
        return TS_ERR_PROTOCOL;
    }
    *out_handle = call.out_handle[0];
    return TS_OK;
}

ts_status_t ts_same(ts_handle_t a, ts_handle_t b, bool *out_same)
{
    uint64_t value;
    ts_status_t status = ts_op(a, &(struct ts_op){.op = TS_OP_SAME, .arg = b}, &value);
    if (status == TS_OK) {
        *out_same = value != 0;
    }
    return status;
}

ts_status_t ts_kind(ts_handle_t handle, enum ts_kind *out_kind)
{
    uint64_t value;
    ts_status_t status = ts_get_u64(handle, TS_PROPERTY_KIND, &value);
    if (status == TS_OK) {
        *out_kind = (enum ts_kind)value;
    }
    return status;
}

ts_status_t ts_rights(ts_handle_t handle, ts_rights_t *out_rights)
{
    uint64_t value;
    ts_status_t status = ts_get_u64(handle, TS_PROPERTY_RIGHTS, &value);
    if (status == TS_OK) {
        *out_rights = (ts_rights_t)value;
    }
    return status;
}
