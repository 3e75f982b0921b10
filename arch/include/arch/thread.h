// SPDX-License-Identifier: MIT
// Switching between threads.
//
// A thread has one kernel stack. A blocked thread has nothing on it but its user frame at the top:
// what it does next is its continuation. A thread preempted inside the kernel keeps its kernel
// context on the stack, with `saved_stack` pointing to it.
//
// A thread's stack is in use until the CPU has left it, which is later than the moment at which
// the scheduler gave the thread away. `running` says so: it is set by the CPU that enters a thread
// and cleared by the same CPU once it stands on another stack; all the primitives below wait for
// it, serving requests of other CPUs meanwhile, and have left their own thread before they wait,
// so that two CPUs exchanging threads cannot wait for each other.
//
// All the primitives are called with interrupts off and no lock held.
#pragma once

#include <tessera/abi/types.h>
#include <arch/frame.h>
#include <arch/space.h>
#include <arch/types.h>
#include <machine/thread.h>

// struct arch_thread (in <machine/thread.h>) is embedded in the generic thread. Its generic fields:
//     vaddr_t stack_top                  end of the frame; the frame lies right below
//     uint64_t saved_stack               kernel context, or 0
//     void (*continuation)(void)         entered when there is no kernel context; NULL: straight
//                                        to user mode
//     struct arch_space *space           NULL: a kernel thread, which keeps whatever is loaded
//     _Atomic uint32_t running
//     uint64_t canary                    what the compiler ends its kernel frames with; set after
//                                        arch_thread_init(), which leaves 0
// Inline:
// struct arch_frame *arch_thread_frame(struct arch_thread *thread)
// bool arch_thread_on_cpu(const struct arch_thread *thread)   `running`, acquire

// Bytes and alignment of the vector state of one user thread (constant after boot).
size_t arch_vector_size(void);
#define ARCH_VECTOR_ALIGN 64

// Prepares a thread that has never run. `vector_area` (arch_vector_size() bytes, not zeroed) is
// the caller's, to be kept for the thread's life; NULL for kernel threads. A user thread's first
// state comes from arch_frame_start() on its frame, with `continuation` NULL.
void arch_thread_init(struct arch_thread *thread, vaddr_t stack_top, struct arch_space *space,
                      void *vector_area, void (*continuation)(void));

// The thread's thread-pointer register. TS_ERR_ARGUMENT when it is not a user address.
TS_MUST_USE ts_status_t arch_thread_set_pointer(struct arch_thread *thread, vaddr_t value);
vaddr_t arch_thread_pointer(const struct arch_thread *thread);

// Leaves the current thread, which keeps no kernel context (it blocked, ended, or will be entered
// by its continuation), and runs `next`. Whatever made the current thread runnable again may have
// happened before this call. Continuations start with interrupts off, and never return.
_Noreturn void arch_thread_resume(struct arch_thread *next);

// Leaves the current thread with its kernel context kept in `save`, which is the current thread,
// and runs `next`. Returns when someone runs `save` again, maybe on another CPU.
void arch_thread_switch(struct arch_thread *save, struct arch_thread *next);

// Returns the current thread to user mode with all registers of its frame, after
// kernel_exit_work() has been called as long as the CPU's need_resched is set.
_Noreturn void arch_return_to_user(void);

// The end of the IPC fast path: leaves the current thread, blocked in a system call, and returns
// directly to user mode in `next`, whose continuation is not called. The caller has made sure that
// `next` is blocked in a system call (no kernel context), !arch_thread_on_cpu(next), has set the
// results in its frame, and that need_resched is clear.
_Noreturn void arch_thread_return(struct arch_thread *next);

// To be called before a thread's memory is freed or its vector area reused: waits until no CPU
// stands on its stack. Interrupts may be on.
void arch_thread_fini(struct arch_thread *thread);

// Kernel stacks: KERNEL_STACK_SIZE bytes with an unmapped guard page below. The pages are counted
// as ARCH_STACK_PAGES by the caller. A few stacks are kept for reuse, as they are: the kernel never
// hands stack contents to users. May take page allocator locks; interrupts may be off.
// TS_ERR_MEMORY.
#if TS_DEBUG
#define KERNEL_STACK_SIZE (4 * PAGE_SIZE)
#else
#define KERNEL_STACK_SIZE (2 * PAGE_SIZE)
#endif
#define ARCH_STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)
TS_MUST_USE ts_status_t arch_stack_create(vaddr_t *out_top);
void arch_stack_destroy(vaddr_t top);
