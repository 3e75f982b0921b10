// SPDX-License-Identifier: MIT
// The buddy allocator against an owner map: no frame is given out twice or from outside, blocks are
// aligned, counts are right, and everything merges again in the end.
#include <mm/buddy.h>
#include <mm/page.h>
#include <string.h>

#include "tests/host/check.h"

#define FRAMES    40000u
#define HOLE      20000u // frames [HOLE, HOLE + HOLE_SIZE) do not exist
#define HOLE_SIZE 777u
#define BLOCKS    4096u
#define STEPS     400000u

static struct page pages[FRAMES];
static unsigned char owned[FRAMES];

static bool exists(uint32_t frame)
{
    return frame < FRAMES && (frame < HOLE || frame >= HOLE + HOLE_SIZE);
}

static unsigned looks; // at any frame

struct page *page_of_frame(uint32_t frame)
{
    looks++;
    return exists(frame) ? &pages[frame] : NULL;
}

static struct block {
    uint32_t frame, count;
} blocks[BLOCKS];
static unsigned block_count;
static uint64_t outside; // frames given out

static void take(struct buddy *buddy)
{
    unsigned order = (unsigned)random_below(4) == 0 ? (unsigned)random_below(BUDDY_ORDERS)
                                                    : (unsigned)random_below(3);
    uint64_t before = buddy->free_count;
    struct page *page = buddy_take(buddy, order);
    if (page == NULL) {
        CHECK(buddy->free_count == before);
        return;
    }
    uint32_t frame = page->frame, count = 1u << order;
    CHECK(page == &pages[frame] && page->state == PAGE_USED);
    CHECK(frame % count == 0 && buddy->free_count == before - count);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(exists(frame + i) && !owned[frame + i]);
        owned[frame + i] = 1;
    }
    // As page_alloc_contiguous does: give the tail of some back at once.
    if (count > 1 && random_below(3) == 0) {
        uint32_t keep = 1 + (uint32_t)random_below(count - 1);
        memset(&owned[frame + keep], 0, count - keep);
        buddy_give_range(buddy, frame + keep, count - keep);
        count = keep;
    }
    outside += count;
    blocks[block_count++] = (struct block){frame, count};
}

static void give(struct buddy *buddy, unsigned index)
{
    struct block block = blocks[index];
    blocks[index] = blocks[--block_count];
    memset(&owned[block.frame], 0, block.count);
    outside -= block.count;
    buddy_give_range(buddy, block.frame, block.count);
}

static unsigned list_length(const struct list *list)
{
    unsigned length = 0;
    list_for_each(node, list) length++;
    return length;
}

// A range that is a block is given as one, not in pieces that merge again: the lock is held for it.
static void test_whole_blocks(void)
{
    for (unsigned order = 0; order < BUDDY_ORDERS; order++) {
        struct buddy buddy;
        buddy_init(&buddy);
        looks = 0;
        buddy_give_range(&buddy, 1u << order, UINT64_C(1) << order);
        CHECK(looks <= 3); // at the block itself, when it is given and put in; at its neighbour
        CHECK(buddy.present == 1u << order && buddy.free_count == 1u << order);
        CHECK(buddy_take(&buddy, order) == &pages[1u << order]);
    }
}

int main(void)
{
    test_whole_blocks();
    struct buddy buddy;
    buddy_init(&buddy);
    // Frame 0 on, unaligned borders on both sides of the hole.
    buddy_add(&buddy, 3, HOLE - 3);
    buddy_add(&buddy, HOLE + HOLE_SIZE, FRAMES - HOLE - HOLE_SIZE);
    memset(owned, 1, 3);
    uint64_t total = FRAMES - HOLE_SIZE - 3;
    CHECK(buddy.free_count == total);
    unsigned start[BUDDY_ORDERS];
    for (unsigned order = 0; order < BUDDY_ORDERS; order++) {
        start[order] = list_length(&buddy.free[order]);
    }

    for (unsigned step = 0; step < STEPS; step++) {
        bool grow = (step / 5000) % 2 == 0 ? random_below(3) != 0 : random_below(3) == 0;
        if (grow && block_count < BLOCKS) {
            take(&buddy);
        } else if (block_count > 0) {
            give(&buddy, (unsigned)random_below(block_count));
        }
        CHECK(buddy.free_count + outside == total);
    }
    while (block_count > 0) {
        give(&buddy, 0);
    }
    CHECK(buddy.free_count == total);
    // What was one block at the start is one again.
    for (unsigned order = 0; order < BUDDY_ORDERS; order++) {
        CHECK(list_length(&buddy.free[order]) == start[order]);
        CHECK((buddy.present >> order & 1) == (start[order] != 0));
    }
    // Until nothing is left, frame by frame.
    uint64_t taken = 0;
    while (buddy_take(&buddy, 0) != NULL) {
        taken++;
    }
    CHECK(taken == total && buddy.present == 0 && buddy.free_count == 0);
    return 0;
}
