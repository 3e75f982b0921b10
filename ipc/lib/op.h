// SPDX-License-Identifier: MIT
// The operations on objects, synchronously: each function is one operation of operation.def on one
// handle, and works alike on objects of the kernel and of servers.
//
// Common to all of them:
// - They block until the operation completed, at the longest until `deadline` (absolute
//   nanoseconds of ts_clock_now(), TS_DEADLINE_NONE = wait for ever) plus TS_CANCEL_GRACE_NS.
// - TS_ERR_HANDLE, TS_ERR_RIGHTS, TS_ERR_UNSUPPORTED, TS_ERR_FAULT, TS_ERR_TIMED_OUT (no effect),
//   TS_ERR_ABANDONED (effect unknown) and TS_ERR_PEER_CLOSED (the server died) may come from any.
// - Results go through `out_` pointers, which are written on success alone.
// - A handle that is returned is the caller's to close.
#pragma once

#include <stdbool.h>
#include <tessera/abi/kind.h>
#include <tessera/abi/object.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/ring.h>
#include <tessera/abi/signal.h>
#include <tessera/lib/operation.h>
#include <tessera/lib/status.h>
#include <tessera/lib/syscall.h>

// Any operation. *out_value (NULL: not wanted) is what the operation's page in docs/abi says.
TS_MUST_USE ts_status_t ts_op(ts_handle_t handle, const struct ts_op *op, uint64_t *out_value);

// ---- content

// At most `length` bytes at `offset`; *out_bytes = bytes moved, for a read 0 at the end. Short
// counts are not errors. At most TS_LENGTH_MAX bytes are moved in one call.
TS_MUST_USE ts_status_t ts_read(ts_handle_t handle, void *buffer, size_t length, uint64_t offset,
                                ts_time_t deadline, size_t *out_bytes);
TS_MUST_USE ts_status_t ts_write(ts_handle_t handle, const void *buffer, size_t length,
                                 uint64_t offset, ts_time_t deadline, size_t *out_bytes);

// The same at the open object's current position, which moves on; streams know no other.
// flags: 0 or TS_FLAG_NOWAIT (TS_ERR_AGAIN when it would block).
TS_MUST_USE ts_status_t ts_read_current(ts_handle_t handle, void *buffer, size_t length,
                                        unsigned flags, ts_time_t deadline, size_t *out_bytes);
TS_MUST_USE ts_status_t ts_write_current(ts_handle_t handle, const void *buffer, size_t length,
                                         unsigned flags, ts_time_t deadline, size_t *out_bytes);

// Until all `length` bytes are moved: TS_ERR_IO when the other side ends early.
TS_MUST_USE ts_status_t ts_read_all(ts_handle_t handle, void *buffer, size_t length,
                                    uint64_t offset);
TS_MUST_USE ts_status_t ts_write_all_current(ts_handle_t handle, const void *buffer, size_t length);

// Bytes [offset, offset + length) are durable when it returns; length 0 = all.
TS_MUST_USE ts_status_t ts_sync(ts_handle_t handle, uint64_t offset, uint64_t length);

// Content as a memory object (at most `length` bytes from `offset`, page-aligned). rights: the
// READ, WRITE, EXECUTE that will be mapped, with MAP and what else is wanted of the handle. A file
// whose server has no memory to give is read into memory of the caller's own.
TS_MUST_USE ts_status_t ts_map_object(ts_handle_t handle, uint64_t offset, uint64_t length,
                                      ts_rights_t rights, ts_handle_t *out_memory);

// ---- names
// Paths are relative to `root`, components separated by '/'. Servers do not know "..": resolve it
// with ts_path_normalise first. Redirects between servers are followed, at most
// TS_REDIRECTS_MAX (TS_ERR_LOOP). Longer than TS_PATH_MAX is TS_ERR_NAME_TOO_LONG.

// flags: TS_OPEN_*. The result has rights & those granted & those of `root` (& of each server on
// the way). The empty path opens the object anew: on a named service, a session.
TS_MUST_USE ts_status_t ts_open(ts_handle_t root, const char *path, unsigned flags,
                                ts_rights_t rights, ts_handle_t *out_handle);
TS_MUST_USE ts_status_t ts_open_until(ts_handle_t root, const char *path, unsigned flags,
                                      ts_rights_t rights, ts_time_t deadline,
                                      ts_handle_t *out_handle);

// Makes an object of `kind` (the protocol's: TS_FILE_* in proto/file.h). TS_ERR_EXISTS.
TS_MUST_USE ts_status_t ts_create(ts_handle_t root, const char *path, unsigned kind, unsigned flags,
                                  ts_rights_t rights, ts_handle_t *out_handle);

// kind: what it must be, 0 = any but a directory.
TS_MUST_USE ts_status_t ts_remove(ts_handle_t root, const char *path, unsigned kind);

// Both paths must end at one server: else TS_ERR_UNSUPPORTED.
TS_MUST_USE ts_status_t ts_rename(ts_handle_t old_root, const char *old_path, ts_handle_t new_root,
                                  const char *new_path, unsigned flags);
TS_MUST_USE ts_status_t ts_link(ts_handle_t old_root, const char *old_path, ts_handle_t new_root,
                                const char *new_path);

// Places a duplicate of `object` (which needs DUPLICATE and TRANSFER) under a name.
TS_MUST_USE ts_status_t ts_share(ts_handle_t root, const char *path, ts_handle_t object);

// Entries below the object from `cookie` on (0 = from the start): struct ts_file_entry records of
// proto/file.h, each with the cookie that follows it. *out_bytes 0 = the end.
TS_MUST_USE ts_status_t ts_list(ts_handle_t handle, void *buffer, size_t length, uint64_t cookie,
                                size_t *out_bytes);

// The next object that arrives (a connection, a job). flags: TS_FLAG_NOWAIT.
TS_MUST_USE ts_status_t ts_accept(ts_handle_t handle, unsigned flags, ts_rights_t rights,
                                  ts_time_t deadline, ts_handle_t *out_handle);

// ---- properties

TS_MUST_USE ts_status_t ts_get(ts_handle_t handle, unsigned property, void *buffer, size_t length,
                               size_t *out_bytes);
TS_MUST_USE ts_status_t ts_set(ts_handle_t handle, unsigned property, const void *buffer,
                               size_t length);
// Properties that are numbers: TS_ERR_PROTOCOL when the object answers with another length.
TS_MUST_USE ts_status_t ts_get_u64(ts_handle_t handle, unsigned property, uint64_t *out_value);
TS_MUST_USE ts_status_t ts_set_u64(ts_handle_t handle, unsigned property, uint64_t value);

// ---- signals

// Until one of `mask` is set; *out_signals = those of the mask that are. An event's count is taken:
// see event.h.
TS_MUST_USE ts_status_t ts_wait(ts_handle_t handle, ts_signals_t mask, ts_time_t deadline,
                                ts_signals_t *out_signals);

// ---- methods

// Calls `method` of the object's protocol. call->in_handle are moved to the server (they need
// TRANSFER) unless the call fails before delivery; call->out_handle are the caller's afterwards.
TS_MUST_USE ts_status_t ts_call(ts_handle_t handle, uint32_t method, struct ts_call *call,
                                ts_time_t deadline, uint64_t *out_value);

// The same with bytes alone, either range may be empty. *out_value: the protocol's.
TS_MUST_USE ts_status_t ts_call_bytes(ts_handle_t handle, uint32_t method, const void *in,
                                      size_t in_length, void *out, size_t out_length,
                                      uint64_t *out_value);

// The same, for methods that give one handle.
TS_MUST_USE ts_status_t ts_call_handle(ts_handle_t handle, uint32_t method, const void *in,
                                       size_t in_length, void *out, size_t out_length,
                                       ts_handle_t *out_handle);

// ---- handles

// A further handle with `rights` cut to those of `handle`, which needs DUPLICATE.
TS_MUST_USE ts_status_t ts_duplicate(ts_handle_t handle, ts_rights_t rights,
                                     ts_handle_t *out_handle);

// Gives the handle up. TS_HANDLE_NONE is ignored; closing what is not open is the caller's bug and
// has no effect.
void ts_close(ts_handle_t handle);

// Whether both name one object.
TS_MUST_USE ts_status_t ts_same(ts_handle_t a, ts_handle_t b, bool *out_same);
TS_MUST_USE ts_status_t ts_kind(ts_handle_t handle, enum ts_kind *out_kind);
TS_MUST_USE ts_status_t ts_rights(ts_handle_t handle, ts_rights_t *out_rights);
