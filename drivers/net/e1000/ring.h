// SPDX-License-Identifier: MIT
// A ring of descriptors, the driver's side: both directions of a chip have one. The chip works from
// head to tail, in order. Pure: it knows memory that the chip sees, not its registers.
//
// How far the ring is filled, and which descriptors make a frame, lies in private memory. The
// chip's only say is the second word of a descriptor, read once.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tessera/abi/types.h>

struct e1000_descriptor {
    uint64_t address, word;
};

struct e1000_ring {
    struct e1000_descriptor *descriptors;
    uint8_t *counts; // of the frame that begins at a descriptor: how many it has
    uint16_t size;   // a power of two
    uint16_t head;   // the first that the chip has not done
    uint16_t tail;   // the next to fill
    uint16_t shown;  // up to which the chip was told
    uint16_t begins; // the frame that is being filled
};

// Empties it; the chip does not use it.
static inline void e1000_ring_reset(struct e1000_ring *r)
{
    r->head = r->tail = r->shown = r->begins = 0;
}

static inline uint16_t e1000_ring_next(const struct e1000_ring *r, uint16_t at, unsigned steps)
{
    return (uint16_t)((at + steps) & (r->size - 1u));
}

// How many may be filled: one stays free, since a full ring would look empty to the chip.
static inline unsigned e1000_ring_room(const struct e1000_ring *r)
{
    return (r->head - r->tail - 1u) & (r->size - 1u);
}

static inline unsigned e1000_ring_used(const struct e1000_ring *r)
{
    return (r->tail - r->head) & (r->size - 1u);
}

// How many of those the chip was not told of.
static inline unsigned e1000_ring_hidden(const struct e1000_ring *r)
{
    return (r->tail - r->shown) & (r->size - 1u);
}

// Fills the next; there is room.
static inline void e1000_ring_put(struct e1000_ring *r, uint64_t address, uint64_t word)
{
    r->descriptors[r->tail] = (struct e1000_descriptor){address, word};
    r->tail = e1000_ring_next(r, r->tail, 1);
}

// What was put since the last time is a frame; the first of its descriptors.
static inline uint16_t e1000_ring_close(struct e1000_ring *r)
{
    uint16_t begins = r->begins;
    r->counts[begins] = (uint8_t)((r->tail - begins) & (r->size - 1u));
    r->begins = r->tail;
    return begins;
}

// The word of the last descriptor of the oldest frame, if the chip was told of one.
static inline bool e1000_ring_look(const struct e1000_ring *r, uint64_t *out_word)
{
    if (r->head == r->shown) {
        return false;
    }
    uint16_t last = e1000_ring_next(r, r->head, r->counts[r->head] - 1u);
    // Acquire: the data was written before the word that shows it.
    *out_word = atomic_load_explicit(TS_ATOMIC(&r->descriptors[last].word), memory_order_acquire);
    return true;
}

// Takes the oldest frame off the ring; the first of its descriptors.
static inline uint16_t e1000_ring_take(struct e1000_ring *r)
{
    uint16_t begins = r->head;
    r->head = e1000_ring_next(r, begins, r->counts[begins]);
    return begins;
}
