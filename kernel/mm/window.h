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

// Where the frames of a piece come from and go to. `give` names frame `index`, which stays the
// caller's, or says why there is none; `removed` (may be NULL) gets each frame that was given once
// no CPU knows it any more: when the piece is destroyed, and when it could not be made whole.
struct window_frames {
    ts_status_t (*give)(uint64_t index, paddr_t *out_page, void *context);
    void (*removed)(paddr_t page);
    void *context;
};

// Maps `count` frames writable, side by side, with unmapped guards before and behind. A piece is
// whole or not made: a failure walks back over what it entered and no further. TS_ERR_MEMORY, or
// what `give` says. No lock held that `give` or the page tables of the kernel need.
TS_MUST_USE ts_status_t window_create(uint64_t count, const struct window_frames *frames,
                                      vaddr_t *out_address);

// Unmaps a piece and gives its addresses back. Interrupts on, no lock held.
void window_destroy(vaddr_t address, void (*removed)(paddr_t page));

// What a piece of `count` frames is charged, in pages: its page tables. (They are the kernel's own
// and stay for the next piece.)
static inline uint64_t window_price(uint64_t count)
{
    return count / 512 + 1;
}

// Whether an address lies in any piece, now or at another time.
bool window_contains(const void *pointer);

void window_init(void);
