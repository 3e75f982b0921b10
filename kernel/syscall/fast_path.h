// SPDX-License-Identifier: MIT
// The fast path of synchronous calls. See fast_path.c.
#pragma once

#include <arch/frame.h>
#include <cpu.h>
#include <syscall/syscall.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/ring.h>
#include <tessera/abi/types.h>

// The operations that carry bytes one way and nothing else, so that they can be fast: what they
// need of the handle, and the bits of the operation's word that may be set: flags that are the
// server's affair, and the handle.
struct fast_operation {
    ts_rights_t rights; // 0: cannot
    ts_rights_t gives;  // the same of those that bring a path and take a handle back
    uint64_t word;
};
extern const struct fast_operation fast_operations[TS_OP_COUNT];

// The two halves of a call, and operations without flags and rights that go to no server.
// Interrupts off, at the entry of the system call. What is not for them goes to syscall_general().
// A switch to the other side does not return.
void fast_path_call(struct arch_frame *frame, struct cpu *cpu, const struct fast_operation *fast);
void fast_path_answer(struct arch_frame *frame, struct thread *thread);
void fast_path_reply_wait(struct arch_frame *frame);

// The short way of rings (fast_ring.c): enter; and a plain answer by the thread of a ring, which
// was found with its port by their handles. Interrupts off, as above.
struct port;
struct ring;
void fast_ring_enter(struct arch_frame *frame);
void fast_ring_reply_wait(struct arch_frame *frame, struct ring *ring, struct port *port);

// The system call op: which of them it is for.
static inline __attribute__((always_inline)) void fast_path_op(struct arch_frame *frame)
{
    struct cpu *cpu = cpu_current();
    uint8_t op = ts_op_word_op(arch_frame_argument(frame, 0));
    bool plain = atomic_load_explicit(&cpu->need_resched, memory_order_relaxed) == 0 &&
                 op < TS_OP_COUNT && arch_frame_argument(frame, 2) <= TS_LENGTH_MAX;
    if (!plain) {
        syscall_general(frame);
    } else if (fast_operations[op].rights != 0) {
        fast_path_call(frame, cpu, &fast_operations[op]);
    } else {
        fast_path_answer(frame, cpu->current);
    }
}
