// SPDX-License-Identifier: MIT
#include "cache.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/opening.h>
#include <tessera/lib/process.h>
#include <tessera/lib/server.h>

#define BUCKETS 256u
#define READ_NS (30 * TS_SECOND)
#define OPEN_NS (5 * TS_SECOND) // for the driver to be started again

static struct {
    struct ts_loop *loop;
    ts_handle_t disks, disk; // disk: a session of the driver that runs now
    const char *name;        // of it in `disks`
    uint64_t size;
    struct ts_opening opening;    // the disk anew
    struct cache_block *for_disk; // that wait for it
    struct cache_block blocks[CACHE_BLOCKS];
    struct cache_block *buckets[BUCKETS];
    struct cache_block *newest, *oldest; // all that are not being read
    struct cache_waiter *crowd;          // wait for any block
    uint32_t given;                      // blocks
    uint32_t empty;                      // blocks that have had no memory yet
} cache;

static void unlink_use(struct cache_block *block)
{
    if (block->newer != NULL) {
        block->newer->older = block->older;
    } else {
        cache.newest = block->older;
    }
    if (block->older != NULL) {
        block->older->newer = block->newer;
    } else {
        cache.oldest = block->newer;
    }
}

static void link_newest(struct cache_block *block)
{
    block->newer = NULL;
    block->older = cache.newest;
    if (cache.newest != NULL) {
        cache.newest->newer = block;
    } else {
        cache.oldest = block;
    }
    cache.newest = block;
}

ts_status_t cache_init(struct ts_loop *loop, ts_handle_t disks, const char *name, ts_handle_t disk,
                       uint64_t size)
{
    cache.loop = loop;
    cache.disks = disks;
    cache.name = name;
    cache.disk = disk;
    cache.size = size;
    cache.empty = CACHE_BLOCKS;
    for (uint32_t i = 0; i < CACHE_BLOCKS; i++) {
        link_newest(&cache.blocks[i]);
    }
    return TS_OK;
}

static void link_oldest(struct cache_block *block)
{
    block->older = NULL;
    block->newer = cache.oldest;
    if (cache.oldest != NULL) {
        cache.oldest->older = block;
    } else {
        cache.newest = block;
    }
    cache.oldest = block;
}

// What clients keep of blocks that were used anew since is this process's expense, and nobody tells
// when it goes. At its limit the job would end us at the next touch of a page of our own: so there
// is no fresh memory long before. In blocks.
static uint64_t room(void)
{
    struct ts_process_statistics own;
    bool some = ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &own) == TS_OK &&
                own.pages < CACHE_PAGES;
    return some ? (CACHE_PAGES - own.pages) / (CACHE_BLOCK / TS_PAGE_SIZE) : 0;
}

// Memory that nobody else has, there in full, so that reading into it cannot fail. The old one is
// given up once there is another. `left` is room().
static bool make_own(struct cache_block *block, uint64_t left)
{
    ts_handle_t memory;
    void *bytes;
    if (block->bytes != NULL && !block->given) {
        return true;
    }
    if (left == 0 || ts_memory_allocate(CACHE_BLOCK, 0, &memory, &bytes) != TS_OK) {
        return false;
    }
    if (ts_memory_commit(memory, 0, CACHE_BLOCK) != TS_OK) {
        (void)ts_memory_unmap(bytes, CACHE_BLOCK);
        ts_close(memory);
        return false;
    }
    if (block->bytes != NULL) {
        (void)ts_memory_unmap(block->bytes, CACHE_BLOCK);
        ts_close(block->memory);
    }
    cache.empty -= block->bytes == NULL;
    cache.given -= block->given;
    block->given = false;
    block->memory = memory;
    block->bytes = bytes;
    return true;
}

// The longest unused block whose memory is ours alone. NULL: there is none.
static struct cache_block *choose(void)
{
    struct cache_block *block = cache.oldest;
    if (block == NULL || (block->bytes != NULL && !block->given)) {
        return block;
    }
    uint64_t left = room(); // asked once: there may be many to look at, for many that wait
    while (block != NULL && !make_own(block, left)) {
        block = block->newer;
    }
    return block;
}

static struct cache_block *find(uint64_t number)
{
    struct cache_block *block = cache.buckets[number % BUCKETS];
    while (block != NULL && block->number != number) {
        block = block->hash_next;
    }
    return block;
}

static void unhash(struct cache_block *block)
{
    struct cache_block **at = &cache.buckets[block->number % BUCKETS];
    while (*at != block) {
        at = &(*at)->hash_next;
    }
    *at = block->hash_next;
    block->used = false;
}

static void wake(struct cache_waiter *waiters)
{
    while (waiters != NULL) {
        struct cache_waiter *next = waiters->next;
        waiters->ready(waiters);
        waiters = next;
    }
}

static void loaded(struct cache_block *block, ts_status_t status, uint64_t length)
{
    struct cache_waiter *waiters = block->waiters, *crowd = cache.crowd;
    block->loading = false;
    block->waiters = NULL;
    cache.crowd = NULL;
    block->status = status;
    block->length = status == TS_OK && length <= CACHE_BLOCK ? (uint32_t)length : 0;
    link_newest(block);
    wake(waiters);
    wake(crowd);
    // A failure is told to those that wait, not to those that come later: they try again.
    if (block->status != TS_OK && block->used && !block->loading) {
        unhash(block);
    }
}

// The driver of the disk may die: then each block that was being read is read once more, from the
// next one.

static void on_read(struct ts_async *async, const struct ts_event *event);

static void read_block(struct cache_block *block, struct ts_submission *slot)
{
    uint64_t offset = block->number * CACHE_BLOCK, left = cache.size - offset;
    block->io.done = on_read;
    block->disk = cache.disk;
    ts_prepare_read(slot, cache.disk, block->bytes,
                    left < CACHE_BLOCK ? (uint32_t)left : CACHE_BLOCK, offset,
                    ts_loop_now(cache.loop) + READ_NS, ts_async_data(&block->io));
}

static void on_opened(struct ts_opening *opening, ts_status_t status, ts_handle_t handle)
{
    struct cache_block *block = cache.for_disk;
    (void)opening;
    cache.for_disk = NULL;
    if (status == TS_OK) {
        ts_loop_close(cache.loop, cache.disk); // reads of it may be staged
        cache.disk = handle;
    }
    while (block != NULL) {
        struct cache_block *next = block->next_for_disk;
        struct ts_submission *slot = status == TS_OK ? ts_loop_begin(cache.loop, &block->io) : NULL;
        if (slot != NULL) {
            read_block(block, slot);
        } else {
            loaded(block, status != TS_OK ? status : TS_ERR_AGAIN, 0);
        }
        block = next;
    }
}

// Another block's failure has led to the next driver already. False: there is no room in the ring.
static bool read_of_next(struct cache_block *block)
{
    struct ts_submission *slot = ts_loop_begin(cache.loop, &block->io);
    if (slot != NULL) {
        read_block(block, slot);
    }
    return slot != NULL;
}

// False: it is not to be read again.
static bool read_again(struct cache_block *block)
{
    if (block->again) {
        return false;
    }
    block->again = true;
    if (block->disk != cache.disk) {
        return read_of_next(block);
    }
    block->next_for_disk = cache.for_disk;
    cache.for_disk = block;
    if (!ts_opening_busy(&cache.opening)) {
        cache.opening = (struct ts_opening){.loop = cache.loop,
                                            .root = cache.disks,
                                            .path = cache.name,
                                            .length = (uint32_t)strlen(cache.name),
                                            .rights = TS_RIGHT_READ,
                                            .deadline = ts_loop_now(cache.loop) + OPEN_NS,
                                            .done = on_opened};
        ts_opening_begin(&cache.opening);
    }
    return true;
}

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    struct cache_block *block = TS_OBJECT_OF(async, struct cache_block, io);
    if (event->status != TS_ERR_PEER_CLOSED || !read_again(block)) {
        loaded(block, event->status, event->value);
    }
}

// Begins to read a block into the place of the longest unused one. NULL: there is none but
// `needed`, or no room in the ring.
static struct cache_block *load(uint64_t number, const struct cache_block *needed)
{
    struct cache_block *block = choose();
    if (block == NULL || block == needed) {
        return NULL;
    }
    ts_loop_send_held(cache.loop); // it may be of the bytes that the disk is to overwrite
    struct ts_submission *slot = ts_loop_begin(cache.loop, &block->io);
    if (slot == NULL) {
        return NULL;
    }
    unlink_use(block);
    if (block->used) {
        unhash(block);
    }
    block->number = number;
    block->used = block->loading = true;
    block->again = false;
    block->waiters = NULL;
    block->hash_next = cache.buckets[number % BUCKETS];
    cache.buckets[number % BUCKETS] = block;
    read_block(block, slot);
    return block;
}

static void wait_in(struct cache_waiter **list, struct cache_waiter *waiter)
{
    waiter->next = *list;
    *list = waiter;
}

struct cache_block *cache_get(uint64_t offset, struct cache_waiter *waiter)
{
    uint64_t number = offset / CACHE_BLOCK;
    struct cache_block *block = find(number);
    if (block == NULL) {
        block = load(number, NULL);
    }
    if (block == NULL) {
        wait_in(&cache.crowd, waiter);
        return NULL;
    }
    if (block->loading) {
        wait_in(&block->waiters, waiter);
        return NULL;
    }
    unlink_use(block);
    link_newest(block);
    return block;
}

// Takes the longest unused of the given blocks out of the cache and makes it the next to be used.
// False: there is no memory in place of what clients may still have.
static bool forget_given(uint64_t left)
{
    struct cache_block *block = cache.oldest;
    while (block != NULL && !block->given) {
        block = block->newer;
    }
    if (block == NULL || !make_own(block, left)) {
        return false;
    }
    if (block->used) {
        unhash(block);
    }
    unlink_use(block);
    link_oldest(block);
    return true;
}

ts_status_t cache_view(struct cache_block *block, uint32_t within, uint32_t length,
                       ts_handle_t *out_view)
{
    // Views are ours to pay, too, also of what is given already. They leave room for the blocks
    // that have had no memory, which are the first to get some: else a client that keeps pages
    // early leaves one block to all others.
    uint64_t left = room();
    if (left <= cache.empty ||
        (!block->given && cache.given >= CACHE_GIVEN && !forget_given(left))) {
        return TS_ERR_LIMIT;
    }
    ts_status_t status = ts_memory_view(block->memory, within, length, out_view);
    if (status == TS_OK && !block->given) {
        block->given = true;
        cache.given++;
    }
    return status;
}

static bool remove_from(struct cache_waiter **at, struct cache_waiter *waiter)
{
    while (*at != NULL && *at != waiter) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return false;
    }
    *at = waiter->next;
    return true;
}

void cache_forget(struct cache_waiter *waiter)
{
    bool found = remove_from(&cache.crowd, waiter);
    for (uint32_t i = 0; i < CACHE_BLOCKS && !found; i++) {
        found = remove_from(&cache.blocks[i].waiters, waiter);
    }
}

// The block that was asked for last is still read by its client.
void cache_ahead(uint64_t offset)
{
    if (offset < cache.size && find(offset / CACHE_BLOCK) == NULL) {
        (void)load(offset / CACHE_BLOCK, cache.newest);
    }
}
