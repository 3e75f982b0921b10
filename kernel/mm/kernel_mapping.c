// SPDX-License-Identifier: MIT
// What the kernel maps of memories for itself: a mapping says what it is, see struct
// kernel_mapping, and while there is one the size stays.
#include <arch/memory.h>
#include <mm/account.h>
#include <mm/heap.h>
#include <mm/memory.h>
#include <mm/page.h>
#include <mm/window.h>
#include <panic.h>
#include <sched/sched.h>

// The memory that has the pages of one that may be a view, and at what offset.
static struct memory *pages_of(struct memory *memory, uint64_t *out_offset)
{
    *out_offset = 0;
    return memory_resolve(memory, out_offset);
}

// What the mapping of a memory in the window is charged; one page needs none.
static uint64_t mapping_price(struct memory *memory, uint64_t bytes)
{
    uint64_t offset;
    return pages_of(memory, &offset)->type == MEMORY_ANONYMOUS && bytes > PAGE_SIZE
               ? window_price(bytes / PAGE_SIZE)
               : 0;
}

// The record of the window's piece, beside it.
static uint64_t record_price(uint64_t price)
{
    return price != 0 ? heap_price(sizeof(struct range)) : 0;
}

// The tables are the kernel's own pages; what somebody pays of them is no expense of the kernel's.
static ts_status_t price_take(struct memory *memory, uint64_t price)
{
    ts_status_t status = account_charge_bytes(memory->object.payer, record_price(price));
    if (status != TS_OK) {
        return status;
    }
    status = memory_charge(memory, price);
    if (status == TS_OK) {
        account_uncharge(NULL, price);
    } else {
        account_uncharge_bytes(memory->object.payer, record_price(price));
    }
    return status;
}

static void price_give(struct memory *memory, uint64_t price)
{
    (void)account_charge(NULL, price);
    memory_uncharge(memory, price);
    account_uncharge_bytes(memory->object.payer, record_price(price));
}

// Charges the window and all pages that are not there yet, or nothing. The size stays meanwhile. A
// view's pages are charged as they are made: which of its parent's are missing is not known.
static ts_status_t reserve(struct memory *memory, uint64_t bytes)
{
    uint64_t price = mapping_price(memory, bytes);
    irqflags_t flags = spin_lock(&memory->lock);
    uint64_t missing = memory->type == MEMORY_ANONYMOUS ? bytes / PAGE_SIZE - memory->resident : 0;
    ts_status_t status = memory_charge(memory, missing);
    if (status == TS_OK && price_take(memory, price) != TS_OK) {
        memory_uncharge(memory, missing);
        status = TS_ERR_LIMIT;
    }
    if (status == TS_OK) {
        memory->change->reserved = missing;
    }
    spin_unlock(&memory->lock, flags);
    return status;
}

// Gives back what of it was not needed.
static void unreserve(struct memory *memory)
{
    irqflags_t flags = spin_lock(&memory->lock);
    memory_uncharge(memory, memory->change->reserved);
    memory->change->reserved = 0;
    spin_unlock(&memory->lock, flags);
}

static ts_status_t give_frame(uint64_t index, paddr_t *out_page, void *context)
{
    struct memory *memory = context;
    struct page *page;
    ts_status_t status = thread_is_stopping() ? TS_ERR_INTERRUPTED
                                              : memory_page_get(memory, index * PAGE_SIZE, &page);
    if (status != TS_OK) {
        return status;
    }
    *out_page = page_address(page);
    page_put(page); // the memory keeps it, and is kept from shrinking
    return TS_OK;
}

static ts_status_t anonymous_map(struct memory *memory, uint64_t bytes, void **out_pointer)
{
    const struct window_frames frames = {.give = give_frame, .context = memory};
    vaddr_t address;
    paddr_t page;
    ts_status_t status = reserve(memory, bytes);
    if (status != TS_OK) {
        return status;
    }
    if (bytes == PAGE_SIZE) {
        status = give_frame(0, &page, memory);
        *out_pointer = status == TS_OK ? phys_to_virt(page) : NULL;
    } else {
        status = window_create(bytes / PAGE_SIZE, &frames, &address);
        *out_pointer = (void *)address;
    }
    unreserve(memory);
    if (status != TS_OK) {
        price_give(memory, mapping_price(memory, bytes));
    }
    return status;
}

// Counts one more kernel mapping and says what is mapped. *out_first: nothing is yet; the caller
// has to make it, and keeps others from it, and the size as it is, with `change`.
static ts_status_t map_begin(struct memory *memory, struct memory_change *change,
                             struct kernel_range *out_range, bool *out_first)
{
    irqflags_t flags = spin_lock(&memory->lock);
    ts_status_t status = TS_OK;
    if (memory->change != NULL || memory->kernel_maps == UINT32_MAX) {
        status = TS_ERR_BUSY;
    } else if (memory->size == 0) {
        status = TS_ERR_RANGE;
    }
    *change = (struct memory_change){.end = memory->size};
    *out_first = status == TS_OK && memory->kernel_maps == 0;
    if (*out_first) {
        memory->change = change;
    } else if (status == TS_OK) {
        memory->kernel_maps++;
    }
    *out_range = (struct kernel_range){memory->kernel_pointer, memory->size};
    spin_unlock(&memory->lock, flags);
    return status;
}

// Makes the mapping of what may be a view; of that, the part alone, whose pages stay from here on.
static ts_status_t map_pages(struct memory *memory, uint64_t bytes, void **out_pointer)
{
    uint64_t offset;
    const struct memory *pages = pages_of(memory, &offset);
    ts_status_t status = pages != memory ? memory_fix(memory) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    if (pages->type == MEMORY_ANONYMOUS) {
        status = anonymous_map(memory, bytes, out_pointer);
    } else {
        *out_pointer = phys_to_virt(pages->base + offset);
    }
    if (status != TS_OK && pages != memory) {
        memory_unfix(memory);
    }
    return status;
}

static ts_status_t map_first(struct memory *memory, struct kernel_range *range)
{
    void *pointer;
    ts_status_t status = map_pages(memory, range->bytes, &pointer);
    irqflags_t flags = spin_lock(&memory->lock);
    memory->change = NULL;
    if (status == TS_OK) {
        memory->kernel_pointer = range->pointer = pointer;
        memory->kernel_maps = 1;
    }
    spin_unlock(&memory->lock, flags);
    return status;
}

ts_status_t memory_kernel_map(struct memory *memory, struct kernel_mapping *out_mapping)
{
    uint64_t offset;
    if (pages_of(memory, &offset)->type == MEMORY_PHYSICAL) {
        return TS_ERR_UNSUPPORTED;
    }
    struct kernel_range range;
    struct memory_change change;
    bool first;
    ts_status_t status = map_begin(memory, &change, &range, &first);
    if (status == TS_OK && first) {
        status = map_first(memory, &range);
    }
    if (status != TS_OK) {
        return status;
    }
    object_get(&memory->object);
    *out_mapping = (struct kernel_mapping){memory, range};
    return TS_OK;
}

void memory_kernel_unmap(struct kernel_mapping *mapping)
{
    struct memory *memory = mapping->memory;
    void *pointer = NULL;
    uint64_t price = 0;
    irqflags_t flags = spin_lock(&memory->lock);
    KASSERT(memory->kernel_maps > 0);
    if (--memory->kernel_maps == 0) {
        pointer = memory->kernel_pointer;
        memory->kernel_pointer = NULL;
        price = mapping_price(memory, mapping->range.bytes); // as it was mapped
        // The pages stay until the window has forgotten them; a view's were kept all the time.
        memory->pins += memory->type != MEMORY_VIEW;
    }
    spin_unlock(&memory->lock, flags);
    if (pointer != NULL) {
        if (window_contains(pointer)) {
            window_destroy((vaddr_t)pointer, NULL);
        }
        price_give(memory, price);
        memory_unfix(memory);
    }
    *mapping = (struct kernel_mapping){NULL, {NULL, 0}};
    object_put(&memory->object);
}
