// SPDX-License-Identifier: MIT
// Packet memory: what the network card reads and writes, shared with its driver.
//
//   control and slots of the frame rings (tessera/proto/frame.h)
//   rooms     PACKET_ROOM bytes each, where frames are received
//   headers   PACKET_HEADER bytes for each frame that can be on its way out
//   blocks    what clients send: small and large ones, filled by one copy from the client, pointed
//             to by segments that lwIP keeps until they are acknowledged, read by the card
//
// All book-keeping is in private memory; the driver sees offsets alone. A block has references:
// one of the stream whose bytes it holds, and one of each frame that the driver has. So its bytes
// never change while a card may read them, whatever becomes of the connection.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tessera/lib/status.h>

#define PACKET_RX_ENTRIES   256u
#define PACKET_TX_ENTRIES   1024u
#define PACKET_ROOM         2048u
#define PACKET_FRAMES       512u // on their way out at the same time
#define PACKET_HEADER       256u
#define PACKET_SMALL        2048u
#define PACKET_SMALL_BLOCKS 512u
#define PACKET_LARGE        16384u
#define PACKET_LARGE_BLOCKS 128u
#define PACKET_SMALL_BYTES  (PACKET_SMALL_BLOCKS * PACKET_SMALL)
#define PACKET_BLOCK_BYTES  (PACKET_SMALL_BYTES + PACKET_LARGE_BLOCKS * PACKET_LARGE)

// What a memory's blocks are for. What clients send lies in one card's memory, which sends it from
// there; another card has blocks for copies of it alone, one for each frame.
enum packet_use { PACKET_CLIENTS, PACKET_COPIES };

struct packet_block {
    struct packet_block *next; // free list
    uint32_t offset;           // in the memory
    uint16_t size;
    uint16_t references; // 0: free
};

struct packet_memory {
    ts_handle_t handle;
    uint8_t *base;
    uint32_t size;
    uint32_t rooms, headers, blocks; // offsets of the areas
    struct packet_block *free_small, *free_large;
    uint32_t free_bytes;  // in blocks
    uint32_t block_bytes; // in all of them
    struct packet_block block[PACKET_SMALL_BLOCKS + PACKET_LARGE_BLOCKS];
};

// Allocates and maps the memory, charged to the own job.
TS_MUST_USE ts_status_t packet_memory_init(struct packet_memory *memory, enum packet_use use);

// A block with one reference, the caller's: a small one for up to PACKET_SMALL bytes, else a large
// one; the other kind where that is used up. NULL: none is free.
struct packet_block *packet_block_take(struct packet_memory *memory, uint32_t wanted);

void packet_block_get(struct packet_block *block);
void packet_block_put(struct packet_memory *memory, struct packet_block *block);

// The block that these bytes lie in, NULL when they do not lie within one.
struct packet_block *packet_block_find(struct packet_memory *memory, const void *bytes,
                                       size_t length);

static inline uint8_t *packet_block_bytes(const struct packet_memory *memory,
                                          const struct packet_block *block)
{
    return memory->base + block->offset;
}
