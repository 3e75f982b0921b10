// SPDX-License-Identifier: MIT
// What pages a memory object has: its size, committing, keeping it, mapping it for the kernel.
#include <arch/memory.h>
#include <mm/address_space.h>
#include <mm/page.h>
#include <mm/window.h>
#include <object/memory.h>
#include <object/memory_operate.h>
#include <panic.h>
#include <sched/sched.h>
#include <string.h>

ts_status_t memory_commit(struct memory *memory, uint64_t offset, uint64_t length)
{
    if (((offset | length) & PAGE_MASK) != 0)
        return TS_ERR_ARGUMENT;
    if (offset > memory->size || length > memory->size - offset)
        return TS_ERR_RANGE;
    for (uint64_t at = offset; at < offset + length; at += PAGE_SIZE) {
        struct page *page;
        ts_status_t status =
            thread_is_stopping() ? TS_ERR_INTERRUPTED : memory_page_get(memory, at, &page);
        if (status != TS_OK)
            return status;
        page_put(page);
    }
    return TS_OK;
}

ts_status_t memory_fix(struct memory *memory)
{
    uint64_t offset = 0;
    memory = memory_resolve(memory, &offset);
    irqflags_t flags = spin_lock(&memory->lock);
    ts_status_t status = memory->resizing || memory->fixed == UINT32_MAX ? TS_ERR_BUSY : TS_OK;
    memory->fixed += status == TS_OK;
    spin_unlock(&memory->lock, flags);
    return status;
}

void memory_unfix(struct memory *memory)
{
    uint64_t offset = 0;
    memory = memory_resolve(memory, &offset);
    irqflags_t flags = spin_lock(&memory->lock);
    KASSERT(memory->fixed > 0);
    memory->fixed--;
    spin_unlock(&memory->lock, flags);
}

static ts_status_t window_fill(struct memory *memory, vaddr_t address)
{
    for (uint64_t offset = 0; offset < memory->size; offset += PAGE_SIZE) {
        struct page *page;
        ts_status_t status =
            thread_is_stopping() ? TS_ERR_INTERRUPTED : memory_page_get(memory, offset, &page);
        if (status != TS_OK)
            return status;
        status = window_enter(address + offset, page_address(page));
        page_put(page); // the memory keeps it, and is kept from shrinking
        if (status != TS_OK)
            return status;
    }
    return TS_OK;
}

static ts_status_t window_map(struct memory *memory, void **out_pointer)
{
    vaddr_t address;
    if (memory->size == PAGE_SIZE) {
        struct page *page;
        ts_status_t status = memory_page_get(memory, 0, &page);
        if (status == TS_OK) {
            *out_pointer = page_pointer(page);
            page_put(page);
        }
        return status;
    }
    ts_status_t status = window_create(memory->size, &address);
    if (status != TS_OK)
        return status;
    status = window_fill(memory, address);
    if (status != TS_OK)
        window_destroy(address, NULL);
    *out_pointer = (void *)address;
    return status;
}

// Counts one more kernel mapping; *out_first: it is the first and the caller has to make it, with
// `resizing` set against others.
static ts_status_t kernel_map_begin(struct memory *memory, bool *out_first)
{
    irqflags_t flags = spin_lock(&memory->lock);
    ts_status_t status = memory->resizing ? TS_ERR_BUSY : TS_OK;
    *out_first = status == TS_OK && memory->kernel_maps == 0;
    if (*out_first) {
        memory->resizing = true;
    } else if (status == TS_OK) {
        memory->kernel_maps++;
        memory->fixed++;
    }
    spin_unlock(&memory->lock, flags);
    return status;
}

static ts_status_t kernel_map_whole(struct memory *memory, void **out_pointer)
{
    bool first;
    ts_status_t status = kernel_map_begin(memory, &first);
    if (status != TS_OK)
        return status;
    if (first) {
        void *pointer = NULL;
        status = memory->type == MEMORY_ANONYMOUS ? window_map(memory, &pointer) : TS_OK;
        if (memory->type != MEMORY_ANONYMOUS)
            pointer = phys_to_virt(memory->base);
        irqflags_t flags = spin_lock(&memory->lock);
        memory->resizing = false;
        if (status == TS_OK) {
            memory->kernel_pointer = pointer;
            memory->kernel_maps++;
            memory->fixed++;
        }
        spin_unlock(&memory->lock, flags);
    }
    *out_pointer = memory->kernel_pointer;
    return status;
}

ts_status_t memory_kernel_map(struct memory *memory, void **out_pointer)
{
    uint64_t offset = 0, size = memory->size;
    memory = memory_resolve(memory, &offset);
    if (memory->type == MEMORY_PHYSICAL)
        return TS_ERR_UNSUPPORTED;
    void *pointer;
    ts_status_t status = kernel_map_whole(memory, &pointer);
    if (status != TS_OK)
        return status;
    if (offset + size > memory->size) { // the memory below a view has shrunk
        memory_kernel_unmap(memory);
        return TS_ERR_RANGE;
    }
    *out_pointer = (char *)pointer + offset;
    return TS_OK;
}

void memory_kernel_unmap(struct memory *memory)
{
    uint64_t offset = 0;
    memory = memory_resolve(memory, &offset);
    irqflags_t flags = spin_lock(&memory->lock);
    KASSERT(memory->kernel_maps > 0);
    void *pointer = NULL;
    if (--memory->kernel_maps == 0) {
        pointer = memory->kernel_pointer;
        memory->kernel_pointer = NULL;
    }
    memory->fixed--;
    spin_unlock(&memory->lock, flags);
    // Nobody can be using the mapping of pages that may go from now on.
    if (pointer != NULL && window_contains(pointer))
        window_destroy((vaddr_t)pointer, NULL);
}

ts_status_t memory_kernel_write(struct memory *memory, uint64_t offset, const void *from,
                                size_t length)
{
    while (length > 0) {
        struct page *page;
        ts_status_t status = memory_page_get(memory, offset, &page);
        if (status != TS_OK)
            return status;
        size_t within = offset & PAGE_MASK;
        size_t part = length < PAGE_SIZE - within ? length : PAGE_SIZE - within;
        memcpy((char *)page_pointer(page) + within, from, part);
        page_put(page);
        from = (const char *)from + part;
        offset += part;
        length -= part;
    }
    return TS_OK;
}

static uint64_t region_end(const struct region *region)
{
    return region->offset + (region->range.end - region->range.start);
}

// Starts to shrink. Memory lock held.
static ts_status_t shrink_begin(struct memory *memory, uint64_t size,
                                const struct address_space *own)
{
    if (memory->fixed != 0)
        return TS_ERR_BUSY;
    list_for_each(node, &memory->regions)
    {
        const struct region *region = list_entry(node, struct region, link);
        if (region->space != own && region_end(region) > size)
            return TS_ERR_BUSY;
    }
    memory->size = size; // nothing beyond is found or mapped any more
    memory->resizing = true;
    return TS_OK;
}

// Removes pages [first, end) of the memory from the page tables of the space, both locks held.
static void shrink_unmap(struct memory *memory, struct address_space *own, uint64_t first,
                         uint64_t end)
{
    struct arch_flush flush;
    arch_flush_begin(&flush, &own->arch);
    list_for_each(node, &memory->regions)
    {
        const struct region *region = list_entry(node, struct region, link);
        uint64_t low = region->offset > first ? region->offset : first;
        uint64_t high = region_end(region) < end ? region_end(region) : end;
        while (low < high)
            low = arch_space_unmap_range(&own->arch, region->range.start + (low - region->offset),
                                         (high - low) / PAGE_SIZE, &flush, NULL, NULL) -
                  region->range.start + region->offset;
    }
    arch_flush_commit(&flush);
}

// One chunk of pages beyond the end; false when there are none left.
static bool shrink_some(struct memory *memory, struct address_space *own, uint64_t *inout_index)
{
    struct page *pages[MEMORY_CHUNK];
    irqflags_t flags = spin_lock(&own->lock);
    spin_lock_off(&memory->lock);
    uint64_t first = *inout_index;
    uint32_t count = memory_remove_locked(memory, inout_index, MEMORY_CHUNK, pages);
    if (count > 0)
        shrink_unmap(memory, own, first * PAGE_SIZE, *inout_index * PAGE_SIZE);
    spin_unlock_off(&memory->lock);
    spin_unlock(&own->lock, flags);
    for (uint32_t i = 0; i < count; i++)
        page_put(pages[i]);
    return count > 0;
}

ts_status_t memory_resize(struct memory *memory, uint64_t size)
{
    if (size > MEMORY_SIZE_MAX)
        return TS_ERR_TOO_LARGE;
    if (memory->type != MEMORY_ANONYMOUS)
        return TS_ERR_UNSUPPORTED;
    size = (size + PAGE_MASK) & ~PAGE_MASK;
    struct address_space *own = space_current();
    ts_status_t status = TS_OK;
    irqflags_t flags = spin_lock(&memory->lock);
    bool shrinks = size < memory->size;
    if (memory->resizing)
        status = TS_ERR_BUSY;
    else if (shrinks)
        status = shrink_begin(memory, size, own);
    else
        memory->size = size;
    spin_unlock(&memory->lock, flags);
    if (status != TS_OK || !shrinks)
        return status;
    uint64_t index = size / PAGE_SIZE;
    while (shrink_some(memory, own, &index))
        ;
    flags = spin_lock(&memory->lock);
    memory->resizing = false;
    spin_unlock(&memory->lock, flags);
    return TS_OK;
}
