// SPDX-License-Identifier: MIT
// The machine's part of a CPU: embedded in struct cpu at a fixed offset (see offsets.h).
#pragma once

#include <stdatomic.h>

#include <arch/space.h>
#include <arch/types.h>
#include <machine/offsets.h>

struct cpu;
struct thread;

struct tss { // Intel SDM vol. 3, 8.7
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_bitmap;
} __attribute__((packed));

// What one CPU asks of others: to forget translations. It lies in the asking CPU's structure and
// is good until all that were asked have counted `pending` down.
struct cpu_request {
    _Atomic uint32_t pending;
    const struct arch_flush *flush; // what to forget, or
    paddr_t leave_root;             // a space that is going away
};

struct arch_cpu {
    uint32_t apic_id;
    struct tss tss;
    uint64_t gdt[8];
    uint64_t fs_base; // what the register holds
    struct arch_thread *vector_owner;
    _Atomic(paddr_t) root;         // published before it is loaded; requesters read it
    _Atomic uint64_t asked_by;     // CPUs (bits) whose request waits for this one
    _Atomic uint64_t quiesce_seen; // last ticket seen at a point with interrupts on
    struct cpu_request request;
    _Atomic bool stopped;
    _Atomic bool started;
    uint64_t spurious; // interrupts that nobody had asked for
};

// The current thread, read by one instruction: right on whatever CPU, interrupts on or off.
static inline struct thread *arch_cpu_thread(void)
{
    struct thread *thread;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(thread) : "i"(CPU_CURRENT));
    return thread;
}

static inline struct cpu *arch_cpu_self(void)
{
    struct cpu *self;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}
