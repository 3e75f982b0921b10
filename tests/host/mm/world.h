// SPDX-License-Identifier: MIT
// A machine for kernel/mm on the host: 32 MiB of RAM with holes, page tables that remember what a
// CPU could still know of them, CPUs with a current space.
#pragma once

#include <mm/address_space.h>
#include <object/job.h>
#include <object/memory.h>

void world_start(void);

// Which CPU the calling thread of the host is: 0 or 1, 0 at first.
void world_cpu(uint32_t id);

// Which space the current thread has.
void world_enter(struct address_space *space);

// What the page tables say of an address: TS_MAP_* and the frame, false: nothing.
bool world_mapped(const struct address_space *space, vaddr_t address, unsigned *out_protection);

// The frame behind an address of the kernel's: of the direct map, or mapped in the window.
paddr_t world_kernel_frame(const void *pointer);

// space_create() with random numbers of the test's.
TS_MUST_USE ts_status_t world_space_create(struct account *account,
                                           struct address_space **out_space);

// How many entries were made or looked for in order to make them.
extern uint64_t world_map_calls;

// Copies do not resolve faults, as with interrupts off: their caller does.
extern bool world_copies_as_is;

// Every frame that a CPU could still reach is in use; no lock is held.
void world_check(void);

uint64_t world_pages_free(void);

// Called when something is queued for the reaper, before that does it. NULL: not.
extern void (*world_queued)(void);

#define DEVICE_BASE UINT64_C(0x80000000) // physical, no RAM
