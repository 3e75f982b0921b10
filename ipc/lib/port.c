// SPDX-License-Identifier: MIT
#include <tessera/lib/port.h>

ts_status_t ts_port_create(uint32_t requests, uint32_t objects, ts_handle_t inbox,
                           uint32_t inbox_bytes, ts_handle_t *out_port)
{
    struct ts_result result =
        ts_sys_create(ts_create_word(TS_KIND_PORT, 0, inbox), requests, objects, inbox_bytes);
    if (result.status == TS_OK) {
        *out_port = (ts_handle_t)result.value;
    }
    return (ts_status_t)result.status;
}

static ts_status_t bind_or_unbind(ts_handle_t port, uint32_t method, ts_handle_t ring,
                                  uint64_t cookie)
{
    struct ts_port_binding binding = {.ring = ring, .cookie = cookie};
    return ts_call_bytes(port, method, &binding, sizeof(binding), NULL, 0, NULL);
}

ts_status_t ts_port_bind(ts_handle_t port, ts_handle_t ring, uint64_t cookie)
{
    return bind_or_unbind(port, TS_PORT_BIND, ring, cookie);
}

ts_status_t ts_port_unbind(ts_handle_t port, ts_handle_t ring)
{
    return bind_or_unbind(port, TS_PORT_UNBIND, ring, 0);
}

ts_status_t ts_port_reply(ts_handle_t port, const struct ts_reply *reply)
{
    return ts_op(
        port,
        &(struct ts_op){
            .op = TS_OP_REPLY, .address = reply, .length = sizeof(*reply), .arg = reply->id},
        NULL);
}

// What was copied before a fault is told as well.
static ts_status_t copy(enum ts_operation op, ts_handle_t port, uint64_t request,
                        const void *buffer, size_t length, uint64_t offset, size_t *out_bytes)
{
    struct ts_result result = ts_sys_op(ts_op_word(op, 0, 0, port), (uintptr_t)buffer, length,
                                        offset, request, TS_DEADLINE_NONE);
    if (result.status == TS_OK || result.status == TS_ERR_CLIENT_FAULT) {
        *out_bytes = result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_port_pull(ts_handle_t port, uint64_t request, void *buffer, size_t length,
                         uint64_t offset, size_t *out_bytes)
{
    return copy(TS_OP_PULL, port, request, buffer, length, offset, out_bytes);
}

ts_status_t ts_port_push(ts_handle_t port, uint64_t request, const void *buffer, size_t length,
                         uint64_t offset, size_t *out_bytes)
{
    return copy(TS_OP_PUSH, port, request, buffer, length, offset, out_bytes);
}

ts_status_t ts_port_take(ts_handle_t port, uint64_t request, uint32_t index,
                         ts_handle_t *out_handle, struct ts_taken *out_own)
{
    uint64_t value;
    ts_status_t status = ts_op(port,
                               &(struct ts_op){.op = TS_OP_TAKE,
                                               .address = out_own,
                                               .length = sizeof(*out_own),
                                               .offset = index,
                                               .arg = request},
                               &value);
    if (status == TS_OK) {
        *out_handle = (value & TS_TAKE_OWN) ? TS_HANDLE_NONE : (ts_handle_t)value;
    }
    return status;
}

static ts_status_t mint(ts_handle_t port, uint64_t oid, uint64_t tag, ts_rights_t rights,
                        ts_handle_t *out_handle)
{
    uint64_t value;
    ts_status_t status =
        ts_op(port, &(struct ts_op){.op = TS_OP_MINT, .rights = rights, .offset = tag, .arg = oid},
              &value);
    if (status == TS_OK) {
        *out_handle = (ts_handle_t)value;
    }
    return status;
}

ts_status_t ts_port_mint(ts_handle_t port, uint32_t oid, uint64_t tag, ts_rights_t rights,
                         ts_handle_t *out_handle)
{
    return mint(port, oid, tag, rights, out_handle);
}

ts_status_t ts_port_mint_reserve(ts_handle_t port, uint32_t oid, uint64_t tag, ts_rights_t rights,
                                 ts_handle_t *out_handle)
{
    return mint(port, oid | TS_MINT_RESERVE, tag, rights, out_handle);
}

ts_status_t ts_port_signal(ts_handle_t port, uint32_t oid, ts_signals_t clear, ts_signals_t set)
{
    return ts_op(
        port,
        &(struct ts_op){.op = TS_OP_SIGNAL, .offset = ts_signal_change(clear, set), .arg = oid},
        NULL);
}

ts_status_t ts_port_revoke(ts_handle_t port, uint32_t oid)
{
    return ts_op(port, &(struct ts_op){.op = TS_OP_REVOKE, .arg = oid}, NULL);
}
