// SPDX-License-Identifier: MIT
// A machine for kernel/mm on the host: 32 MiB of RAM with holes, page tables that remember what a
// CPU could still know of them, one CPU with a current space.
#pragma once

#include <mm/address_space.h>
#include <object/job.h>
#include <object/memory.h>

void world_start(void);

// Which space the current thread has.
void world_enter(struct address_space *space);

// What the page tables say of an address: TS_MAP_* and the frame, false: nothing.
bool world_mapped(const struct address_space *space, vaddr_t address, unsigned *out_protection);

// Every frame that a CPU could still reach is in use; no lock is held.
void world_check(void);

uint64_t world_pages_free(void);

#define DEVICE_BASE UINT64_C(0x80000000) // physical, no RAM
