// SPDX-License-Identifier: MIT
// Blocks of the disk, kept in a bounded memory, the longest unused given up first.
//
// Reads are asynchronous: who needs a block that is not there waits for it, and the one behind it
// is fetched ahead when reading goes on in order.
#pragma once

#include <stdbool.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/status.h>

#define CACHE_BLOCK  65536u // a multiple of every disk's blocks
#define CACHE_BLOCKS 128u   // 8 MiB

struct cache_waiter {
    struct cache_waiter *next;
    void (*ready)(struct cache_waiter *waiter);
};

struct cache_block {
    struct cache_block *hash_next, *newer, *older, *next_for_disk;
    uint64_t number; // of the disk's CACHE_BLOCK bytes
    uint32_t length; // bytes that the disk gave
    ts_status_t status;
    bool loading, used, again; // again: for the second time, by another driver
    struct cache_waiter *waiters;
    struct ts_async io;
    uint8_t *bytes;
};

// `disk` is a session of a block device of `size` bytes; when its driver dies, `service` is opened
// for another.
TS_MUST_USE ts_status_t cache_init(struct ts_loop *loop, ts_handle_t service, ts_handle_t disk,
                                   uint64_t size);

// The block that holds byte `offset`, if it is there; `status` tells whether the disk could read
// it, and it stays until the callback returns. Else NULL: `waiter` is called when it is worth
// asking again.
struct cache_block *cache_get(uint64_t offset, struct cache_waiter *waiter);

// The waiter does not wait any more.
void cache_forget(struct cache_waiter *waiter);

// Begins to read the block that holds byte `offset` if there is nothing better to do.
void cache_ahead(uint64_t offset);
