// SPDX-License-Identifier: MIT
// The caller's buffers of an operation on a kernel object: one range, or with TS_FLAG_VECTOR up to
// 16, and the ts_call of a method. Everything is read once. Interrupts on: faults are resolved.
#pragma once

#include <core/request.h>
#include <tessera/abi/ring.h>

struct transfer {
    struct ts_segment segment[TS_SEGMENTS_MAX];
    uint32_t count, index;
    uint64_t total, done; // bytes
};

// TS_ERR_ARGUMENT: more than 16 segments or TS_LENGTH_MAX bytes; TS_ERR_FAULT: not user addresses.
TS_MUST_USE ts_status_t transfer_init(struct transfer *transfer, const struct operation *operation);
// One plain range.
TS_MUST_USE ts_status_t transfer_init_range(struct transfer *transfer, uint64_t address,
                                            uint64_t length);

static inline uint64_t transfer_left(const struct transfer *transfer)
{
    return transfer->total - transfer->done;
}

// Moves `length` <= transfer_left() bytes on; a fault leaves `done` at the start of the piece that
// failed. Preemptible. TS_ERR_INTERRUPTED: the thread is to end; a long move goes through
// here piece by piece and so ends with it.
TS_MUST_USE ts_status_t transfer_to_user(struct transfer *transfer, const void *from,
                                         size_t length);
TS_MUST_USE ts_status_t transfer_from_user(struct transfer *transfer, void *to, size_t length);

// The answer to get: copies what the caller has room for, and sets the value to that. TS_ERR_FAULT.
TS_MUST_USE ts_status_t operation_get(struct operation *operation, const void *value,
                                      size_t length);
TS_MUST_USE ts_status_t operation_get_u64(struct operation *operation, uint64_t value);
// The argument of set: exactly `length` bytes, else TS_ERR_ARGUMENT.
TS_MUST_USE ts_status_t operation_set(const struct operation *operation, void *out_value,
                                      size_t length);

// A method's call structure. TS_ERR_ARGUMENT: length is not that of ts_call, handles were sent
// (no method of these objects keeps any), reserved fields; TS_ERR_FAULT.
TS_MUST_USE ts_status_t operation_call(const struct operation *operation, struct ts_call *out_call);
// Exactly `length` bytes of input; a structure as output (TS_ERR_ARGUMENT: no room).
TS_MUST_USE ts_status_t call_read(const struct ts_call *call, void *out_value, size_t length);
TS_MUST_USE ts_status_t call_write(const struct ts_call *call, const void *value, size_t length);
