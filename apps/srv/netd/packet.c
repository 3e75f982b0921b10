// SPDX-License-Identifier: MIT
#include "packet.h"

#include <tessera/lib/memory.h>
#include <tessera/proto/frame.h>

static void give(struct packet_memory *memory, struct packet_block *block)
{
    struct packet_block **list =
        block->size == PACKET_SMALL ? &memory->free_small : &memory->free_large;
    block->next = *list;
    *list = block;
    memory->free_bytes += block->size;
}

static void make_blocks(struct packet_memory *memory)
{
    uint32_t offset = memory->blocks + memory->block_bytes;
    uint32_t large = (memory->block_bytes - PACKET_SMALL_BYTES) / PACKET_LARGE;
    // From the end, so that the first ones are handed out first.
    for (uint32_t i = PACKET_SMALL_BLOCKS + large; i-- > 0;) {
        struct packet_block *block = &memory->block[i];
        block->size = i < PACKET_SMALL_BLOCKS ? PACKET_SMALL : PACKET_LARGE;
        offset -= block->size;
        block->offset = offset;
        give(memory, block);
    }
}

ts_status_t packet_memory_init(struct packet_memory *memory, enum packet_use use)
{
    void *base;
    *memory = (struct packet_memory){0};
    memory->rooms = ts_frame_data_start(PACKET_RX_ENTRIES, PACKET_TX_ENTRIES);
    memory->headers = memory->rooms + PACKET_RX_ENTRIES * PACKET_ROOM;
    memory->blocks = memory->headers + PACKET_FRAMES * PACKET_HEADER;
    memory->block_bytes = use == PACKET_CLIENTS ? PACKET_BLOCK_BYTES : PACKET_SMALL_BYTES;
    memory->size = memory->blocks + memory->block_bytes;
    ts_status_t status =
        ts_memory_allocate(memory->size, TS_MEMORY_PRIVATE, &memory->handle, &base);
    if (status != TS_OK) {
        return status;
    }
    // All of it now: neither a client nor the card finds at a touch that the job has no more.
    status = ts_memory_commit(memory->handle, 0, TS_PAGE_ROUND(memory->size));
    if (status != TS_OK) {
        return status;
    }
    memory->base = base;
    make_blocks(memory);
    return TS_OK;
}

struct packet_block *packet_block_take(struct packet_memory *memory, uint32_t wanted)
{
    struct packet_block **first =
        wanted <= PACKET_SMALL ? &memory->free_small : &memory->free_large;
    struct packet_block **second =
        wanted <= PACKET_SMALL ? &memory->free_large : &memory->free_small;
    struct packet_block **list = *first != NULL ? first : second;
    struct packet_block *block = *list;
    if (block == NULL) {
        return NULL;
    }
    *list = block->next;
    memory->free_bytes -= block->size;
    block->references = 1;
    return block;
}

void packet_block_get(struct packet_block *block)
{
    block->references++;
}

void packet_block_put(struct packet_memory *memory, struct packet_block *block)
{
    if (--block->references == 0) {
        give(memory, block);
    }
}

struct packet_block *packet_block_find(struct packet_memory *memory, const void *bytes,
                                       size_t length)
{
    uintptr_t address = (uintptr_t)bytes, start = (uintptr_t)memory->base + memory->blocks;
    if (address < start || address >= start + memory->block_bytes) {
        return NULL;
    }
    uintptr_t at = address - start;
    uintptr_t index = at < PACKET_SMALL_BYTES
                          ? at / PACKET_SMALL
                          : PACKET_SMALL_BLOCKS + (at - PACKET_SMALL_BYTES) / PACKET_LARGE;
    struct packet_block *block = &memory->block[index];
    uintptr_t within = (uintptr_t)(address - (uintptr_t)packet_block_bytes(memory, block));
    return within + length <= block->size ? block : NULL;
}
