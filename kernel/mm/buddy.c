// SPDX-License-Identifier: MIT
// See buddy.h.
#include <mm/buddy.h>
#include <mm/page.h>

void buddy_init(struct buddy *buddy)
{
    for (unsigned order = 0; order < BUDDY_ORDERS; order++) {
        list_init(&buddy->free[order]);
    }
    buddy->present = 0;
    buddy->free_count = 0;
}

static void block_insert(struct buddy *buddy, uint32_t frame, unsigned order)
{
    struct page *page = page_of_frame(frame);
    page->frame = frame;
    page->state = PAGE_FREE;
    page->order = (uint8_t)order;
    list_push_front(&buddy->free[order], &page->link);
    buddy->present |= 1u << order;
}

static void block_remove(struct buddy *buddy, struct page *page)
{
    list_remove(&page->link);
    if (list_empty(&buddy->free[page->order])) {
        buddy->present &= ~(1u << page->order);
    }
    page->state = PAGE_USED;
}

void buddy_give(struct buddy *buddy, uint32_t frame, unsigned order)
{
    buddy->free_count += UINT64_C(1) << order;
    // What is inside of a larger block must not look like a block of its own.
    struct page *first = page_of_frame(frame);
    first->state = PAGE_USED;
    while (order + 1 < BUDDY_ORDERS) {
        struct page *other = page_of_frame(frame ^ (1u << order));
        if (other == NULL || other->state != PAGE_FREE || other->order != order) {
            break;
        }
        block_remove(buddy, other);
        frame &= ~(1u << order);
        order++;
    }
    block_insert(buddy, frame, order);
}

void buddy_give_range(struct buddy *buddy, uint32_t frame, uint64_t count)
{
    while (count > 0) {
        unsigned order = 0;
        while (order + 1 < BUDDY_ORDERS && (frame & (1u << order)) == 0 &&
               (UINT64_C(2) << order) <= count) {
            order++;
        }
        buddy_give(buddy, frame, order);
        frame += 1u << order;
        count -= UINT64_C(1) << order;
    }
}

void buddy_add(struct buddy *buddy, uint32_t frame, uint64_t count)
{
    buddy_give_range(buddy, frame, count);
}

struct page *buddy_take(struct buddy *buddy, unsigned order)
{
    if (order >= BUDDY_ORDERS) {
        return NULL;
    }
    uint32_t fitting = buddy->present >> order << order;
    if (fitting == 0) {
        return NULL;
    }
    unsigned have = (unsigned)__builtin_ctz(fitting);
    struct page *page = list_entry(buddy->free[have].next, struct page, link);
    block_remove(buddy, page);
    while (have > order) {
        have--;
        block_insert(buddy, page->frame + (1u << have), have);
    }
    buddy->free_count -= UINT64_C(1) << order;
    return page;
}
