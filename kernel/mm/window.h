// SPDX-License-Identifier: MIT
// Pieces of the kernel window: addresses at which single frames are put side by side, for objects
// too large for adjacent frames and for memory that kernel and programs share.
//
// The allocator has 64 GiB of the window for itself, aligned so that no table that it changes is
// one that the machine layer changes; its lock serialises both the addresses and the tables.
#pragma once

#include <tessera/abi/status.h>
#include <tessera/abi/types.h>
#include <arch/types.h>

// `bytes` of addresses (a multiple of PAGE_SIZE), between unmapped guards, with nothing
// mapped yet. TS_ERR_MEMORY. Any context.
ts_status_t window_create(uint64_t bytes, vaddr_t *out_address);

// Maps a frame writable at an address of a piece; the frame stays the caller's. TS_ERR_MEMORY.
ts_status_t window_enter(vaddr_t address, paddr_t page);

// Unmaps a piece and gives its addresses back; then no CPU knows its frames any more. `removed`
// (may be NULL) is called for each frame after that. Interrupts on, no lock held.
void window_destroy(vaddr_t address, void (*removed)(paddr_t page));

// Whether an address lies in any piece, now or at another time.
bool window_contains(const void *pointer);

void window_init(void);
