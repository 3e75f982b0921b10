// SPDX-License-Identifier: MIT
// The fast path of synchronous calls. See fast_path.c.
#pragma once

#include <arch/frame.h>
#include <stdbool.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/types.h>

// The operations that carry bytes one way and nothing else, so that they can be fast: what they
// need of the handle, and the bits of the operation's word that may be set: flags that are the
// server's affair, and the handle.
struct fast_operation {
    ts_rights_t rights; // 0: cannot
    uint64_t word;
};
extern const struct fast_operation fast_operations[TS_OP_COUNT];

// The two halves of a call. Interrupts off, at the entry of the system call. True: done, the
// results are in the frame. False: nothing has happened, the general path is to be taken. A switch
// to the other side does not return.
bool fast_path_op(struct arch_frame *frame);
bool fast_path_reply_wait(struct arch_frame *frame);
