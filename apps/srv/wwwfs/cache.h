// SPDX-License-Identifier: MIT
// Blocks of the disk, kept in a bounded memory, the longest unused given up first.
//
// Reads are asynchronous: a client that needs a block that is not there waits for it, and the one
// behind it is fetched ahead when reading goes on in order.
//
// Each block is memory of its own, of which clients may be given views. What was given never
// changes: a block that is used anew gets fresh memory then, and the old pages go with the last
// client's mapping. Only half of the blocks are given, so that there are always some to read into
// when clients that keep theirs have used up what there is (CACHE_PAGES).
#pragma once

#include <stdbool.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/status.h>

#define CACHE_BLOCK  65536u // a multiple of every disk's blocks
#define CACHE_BLOCKS 128u   // 8 MiB
#define CACHE_GIVEN  (CACHE_BLOCKS / 2)
#define CACHE_PAGES  12288u // of the process, for blocks to get fresh memory; its job may have 16384

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
    ts_handle_t disk;          // that was asked
    bool given;                // clients may have views of the memory
    struct cache_waiter *waiters;
    struct ts_async io;
    ts_handle_t memory;
    uint8_t *bytes; // of the memory; NULL: the block was never used
};

// `disk` is a session of a block device of `size` bytes; when its driver dies, `name` is opened in
// `disks` for another. The name must stay.
TS_MUST_USE ts_status_t cache_init(struct ts_loop *loop, ts_handle_t disks, const char *name,
                                   ts_handle_t disk, uint64_t size);

// The block that holds byte `offset`, if it is there; `status` tells whether the disk could read
// it, and it stays until the callback returns. Else NULL: `waiter` is called when it is worth
// asking again.
struct cache_block *cache_get(uint64_t offset, struct cache_waiter *waiter);

// A handle to `length` bytes of the block from `within` on, both multiples of pages, to be read.
// TS_ERR_LIMIT: enough of the cache is given, or clients keep too much of what it had.
TS_MUST_USE ts_status_t cache_view(struct cache_block *block, uint32_t within, uint32_t length,
                                   ts_handle_t *out_view);

// The waiter does not wait any more.
void cache_forget(struct cache_waiter *waiter);

// Begins to read the block that holds byte `offset` if there is nothing better to do.
void cache_ahead(uint64_t offset);
