// SPDX-License-Identifier: MIT
// An operation that is asked for: what operation.def says of it, and the record that it is issued
// with.
#pragma once

#include <core/request.h>
#include <object/thread.h>
#include <tessera/abi/operation.h>

struct asked {
    struct operation operation;
    struct thread *thread; // that asks
    struct ring *ring;     // NULL: synchronous, the record is the thread's
};

enum outcome {
    OUTCOME_ANSWERED,  // *out_status; value, extra and `aux` (event flags) are in the operation
    OUTCOME_ISSUED,    // the record will be completed, or is already
    OUTCOME_NO_RECORD, // ring: none is free, nothing was done
};

// What operation.def says of each operation.
struct operation_rule {
    ts_rights_t rights;
    uint8_t answers; // enum ts_op_answers
    uint8_t flags, ring_flags;
    uint8_t payload; // enum ts_op_payload
    bool gives_handle;
};
extern const struct operation_rule operation_rules[TS_OP_COUNT];

// Whether the flags are known and make sense for the operation, asked by ring or not. 0,
// TS_ERR_ARGUMENT, TS_ERR_UNSUPPORTED.
static inline TS_MUST_USE ts_status_t operation_check_flags(uint8_t op, uint8_t flags, bool by_ring)
{
    uint8_t known = TS_FLAG_NOWAIT | operation_rules[op].flags;
    if (by_ring) {
        known |= TS_FLAG_QUIET | operation_rules[op].ring_flags;
    }
    if ((flags & ~known) == 0) {
        return TS_OK;
    }
    return (flags & TS_FLAG_LINK) != 0 ? TS_ERR_UNSUPPORTED : TS_ERR_ARGUMENT;
}

// A record for the operation: the thread's, or one of the ring's (NULL: none is free), with what
// every operation has filled in.
struct request *asked_record(struct asked *asked);
// Gives a record back that was not issued.
void asked_record_drop(struct asked *asked, struct request *request);
