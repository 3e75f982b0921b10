// SPDX-License-Identifier: MIT
// Operations on an own port, as they are. Servers use server.h instead, which is made of these.
#pragma once

#include <tessera/abi/ring.h>
#include <tessera/lib/op.h>

// `inbox`: memory of requests * inbox_bytes bytes, or 0 with inbox_bytes 0; the caller's handle
// stays. objects: oids 0 to objects - 1.
TS_MUST_USE ts_status_t ts_port_create(uint32_t requests, uint32_t objects, ts_handle_t inbox,
                                       uint32_t inbox_bytes, ts_handle_t *out_port);

// The ring of this process receives the port's events, with `cookie` as user_data.
TS_MUST_USE ts_status_t ts_port_bind(ts_handle_t port, ts_handle_t ring, uint64_t cookie);
TS_MUST_USE ts_status_t ts_port_unbind(ts_handle_t port, ts_handle_t ring);

// Answers. TS_ERR_GONE: the client gave up; a handle to be moved stays the caller's.
TS_MUST_USE ts_status_t ts_port_reply(ts_handle_t port, const struct ts_reply *reply);

// Copies from (to) the client's range of a request. *out_bytes is also written on
// TS_ERR_CLIENT_FAULT. TS_ERR_RANGE: outside of the range.
TS_MUST_USE ts_status_t ts_port_pull(ts_handle_t port, uint64_t request, void *buffer,
                                     size_t length, uint64_t offset, size_t *out_bytes);
TS_MUST_USE ts_status_t ts_port_push(ts_handle_t port, uint64_t request, const void *buffer,
                                     size_t length, uint64_t offset, size_t *out_bytes);

// Takes handle `index` of those sent with a request. An own object: *out_handle is 0 and
// *out_own says which.
TS_MUST_USE ts_status_t ts_port_take(ts_handle_t port, uint64_t request, uint32_t index,
                                     ts_handle_t *out_handle, struct ts_taken *out_own);

// Fills the free slot `oid` and gives its first handle; it counts for nobody.
TS_MUST_USE ts_status_t ts_port_mint(ts_handle_t port, uint32_t oid, uint64_t tag,
                                     ts_rights_t rights, ts_handle_t *out_handle);
// The same, and its requests, one at a time, have a slot that nobody else gets (the port's
// reserve). TS_ERR_LIMIT: another object has it, or there is one slot at the most to spare.
TS_MUST_USE ts_status_t ts_port_mint_reserve(ts_handle_t port, uint32_t oid, uint64_t tag,
                                             ts_rights_t rights, ts_handle_t *out_handle);
TS_MUST_USE ts_status_t ts_port_signal(ts_handle_t port, uint32_t oid, ts_signals_t clear,
                                       ts_signals_t set);

// All handles to it are dead afterwards; CLOSED still comes.
TS_MUST_USE ts_status_t ts_port_revoke(ts_handle_t port, uint32_t oid);
