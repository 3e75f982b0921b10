// SPDX-License-Identifier: MIT
// The indices of a queue in shared memory: single producer, single consumer. What a slot is, how
// many there are and where they lie is the protocol's; the ends are <tessera/ring/queue.h>.
//
// Indices run free modulo 2^32; slot i is i modulo the number of slots, a power of two. A producer
// fills slots and then moves the tail over them; a consumer takes them and then moves the head.
//
// Doorbells. A consumer that goes to sleep writes to `wake` the index from which on it wants to be
// woken (head: at the next slot), fences, and looks once more. A producer that has moved the tail
// over `wake` fences, looks at it, and signals the consumer if so: by whatever the protocol says,
// an event or a futex on `tail`.
//
// Hostile peers. Each side reads the other's index once into private memory and checks the copy:
// used slots are never more than there are. Nobody waits for a peer that breaks this; the protocol
// ends the connection.
#pragma once

#include <assert.h>
#include <tessera/abi/types.h>

// Each line has one writer.
struct ts_queue {
    uint32_t tail; // the producer writes: next slot it will fill
    uint32_t reserved0[15];
    uint32_t head; // the consumer writes: next slot it will take
    uint32_t wake; // the consumer writes: signal me when the tail moves over this
    uint32_t reserved1[14];
};
static_assert(sizeof(struct ts_queue) == 128, "queue");
