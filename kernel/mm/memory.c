// SPDX-License-Identifier: MIT
// Memories and their pages. See memory.h; memory_change.c has what changes the size,
// kernel_mapping.c what the kernel maps.
#include <mm/memory.h>

#include <arch/memory.h>
#include <mm/page.h>
#include <mm/paid.h>
#include <panic.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <string.h>

#define COMMIT_MUCH 256u // pages

static uint64_t next_id(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

void memory_init(struct memory *memory, enum memory_type type, uint64_t size)
{
    spin_init(&memory->lock, "memory");
    memory->id = next_id();
    memory->type = (uint8_t)type;
    memory->size = size;
    radix_init(&memory->pages);
    list_init(&memory->regions);
}

ts_status_t memory_charge(struct memory *memory, uint64_t pages)
{
    return account_charge(memory->object.payer, pages);
}

void memory_uncharge(struct memory *memory, uint64_t pages)
{
    account_uncharge(memory->object.payer, pages);
}

// Whose the tree's nodes are, and those that were taken off it.
struct nodes {
    struct account *payer;
    ts_status_t status;       // why one was not to be had
    struct radix_node *given; // linked by slots[0]
    uint32_t given_count;
};

static struct radix_node *node_take(void *context)
{
    struct nodes *nodes = context;
    return paid_alloc_zeroed(nodes->payer, sizeof(struct radix_node), &nodes->status);
}

static void node_give(struct radix_node *node, void *context)
{
    struct nodes *nodes = context;
    node->slots[0] = nodes->given;
    nodes->given = node;
    nodes->given_count++;
}

static struct radix_memory radix_memory_of(struct nodes *nodes)
{
    return (struct radix_memory){.take = node_take, .give = node_give, .context = nodes};
}

static void nodes_free(struct account *payer, struct radix_node *node)
{
    while (node != NULL) {
        struct radix_node *next = node->slots[0];
        paid_free(payer, node, sizeof(*node));
        node = next;
    }
}

struct memory *memory_resolve(struct memory *memory, uint64_t *inout_offset)
{
    if (memory->type != MEMORY_VIEW) {
        return memory;
    }
    *inout_offset += memory->offset;
    return memory->parent;
}

// For one more page: what was reserved comes first.
static ts_status_t page_charge(struct memory *memory)
{
    struct memory_change *change = memory->change;
    if (change == NULL || change->reserved == 0) {
        return memory_charge(memory, 1);
    }
    change->reserved--;
    return TS_OK;
}

static ts_status_t anonymous_page(struct memory *memory, uint64_t index, struct page **out_page)
{
    *out_page = radix_get(&memory->pages, index);
    if (*out_page != NULL) {
        return TS_OK;
    }
    ts_status_t status = page_charge(memory);
    if (status != TS_OK) {
        return status;
    }
    struct page *page;
    status = page_alloc(PAGE_ALLOC_ZERO | PAGE_ALLOC_USER, &page);
    if (status != TS_OK) {
        goto uncharge;
    }
    struct nodes nodes = {.payer = memory->object.payer, .status = TS_ERR_LIMIT};
    struct radix_memory radix_memory = radix_memory_of(&nodes);
    if (!radix_set(&memory->pages, index, page, &radix_memory)) {
        status = nodes.status;
        nodes_free(nodes.payer, nodes.given);
        goto free;
    }
    memory->resident++;
    *out_page = page;
    return TS_OK;
free:
    page_put(page);
uncharge:
    memory_uncharge(memory, 1);
    return status;
}

ts_status_t memory_page_locked(struct memory *memory, uint64_t offset, struct page **out_page,
                               paddr_t *out_address)
{
    if (offset >= memory->size) {
        return TS_ERR_RANGE;
    }
    offset &= ~PAGE_MASK;
    if (memory->type == MEMORY_ANONYMOUS) {
        ts_status_t status = anonymous_page(memory, offset / PAGE_SIZE, out_page);
        if (status == TS_OK) {
            *out_address = page_address(*out_page);
        }
        return status;
    }
    *out_address = memory->base + offset;
    *out_page = memory->type == MEMORY_PHYSICAL ? NULL : page_find(*out_address);
    return TS_OK;
}

ts_status_t memory_page_get(struct memory *memory, uint64_t offset, struct page **out_page)
{
    if (memory->type == MEMORY_VIEW && offset >= memory->size) { // whose size never changes
        return TS_ERR_RANGE;
    }
    memory = memory_resolve(memory, &offset);
    paddr_t address;
    irqflags_t flags = spin_lock(&memory->lock);
    ts_status_t status = memory_page_locked(memory, offset, out_page, &address);
    if (status == TS_OK && *out_page == NULL) {
        status = TS_ERR_UNSUPPORTED;
    }
    if (status == TS_OK) {
        page_get(*out_page);
    }
    spin_unlock(&memory->lock, flags);
    return status;
}

ts_status_t memory_page_peek(struct memory *memory, uint64_t offset, struct page **out_page)
{
    const struct memory *named = memory;
    uint64_t at = offset;
    memory = memory_resolve(memory, &at);
    if (memory->type != MEMORY_ANONYMOUS || offset >= memory_size(named)) {
        return memory_page_get((struct memory *)named, offset, out_page);
    }
    irqflags_t flags = spin_lock(&memory->lock);
    ts_status_t status = at < memory->size ? TS_OK : TS_ERR_RANGE;
    *out_page = status == TS_OK ? radix_get(&memory->pages, at / PAGE_SIZE) : NULL;
    if (*out_page != NULL) {
        page_get(*out_page);
    }
    spin_unlock(&memory->lock, flags);
    return status;
}

// A step is a look at a node of the tree, or as much work.
#define REMOVE_STEPS 896u // a call
#define PAGE_STEPS   16u  // to take a page out
#define NODE_STEPS   8u   // to take an empty node off

bool memory_remove_some(struct memory *memory, uint64_t *inout_index,
                        struct memory_removed *out_removed)
{
    struct nodes nodes = {.payer = memory->object.payer};
    struct radix_memory radix_memory = radix_memory_of(&nodes);
    uint32_t count = 0, steps = REMOVE_STEPS;
    while (count < MEMORY_CHUNK && steps > 0 &&
           radix_next(&memory->pages, inout_index, &steps) != NULL) {
        uint32_t before = nodes.given_count;
        out_removed->pages[count++] = radix_remove(&memory->pages, (*inout_index)++, &radix_memory);
        uint32_t taken = PAGE_STEPS + (nodes.given_count - before) * NODE_STEPS;
        steps = steps > taken ? steps - taken : 0;
    }
    out_removed->count = count;
    out_removed->nodes = nodes.given;
    memory->resident -= count;
    memory_uncharge(memory, count);
    return count == MEMORY_CHUNK || steps == 0;
}

void memory_removed_free(struct memory *memory, struct memory_removed *removed)
{
    for (uint32_t i = 0; i < removed->count; i++) {
        page_put(removed->pages[i]);
    }
    nodes_free(memory->object.payer, removed->nodes);
}

bool memory_end_some(struct memory *memory)
{
    if (memory->type == MEMORY_ANONYMOUS) {
        struct memory_removed removed;
        bool more = memory_remove_some(memory, &memory->freed, &removed);
        memory_removed_free(memory, &removed);
        return more;
    }
    if (memory->type != MEMORY_CONTIGUOUS) {
        return false;
    }
    uint64_t pages = memory->size / PAGE_SIZE, first = memory->freed;
    uint64_t end = pages - first < MEMORY_CHUNK ? pages : first + MEMORY_CHUNK;
    for (; memory->freed < end; memory->freed++) {
        page_put(page_find(memory->base + memory->freed * PAGE_SIZE));
    }
    memory_uncharge(memory, end - first);
    return end < pages;
}

bool memory_is_too_much(struct memory *memory, uint64_t length)
{
    struct page_statistics machine;
    uint64_t offset = 0, pages = length / PAGE_SIZE;
    memory = memory_resolve(memory, &offset);
    if (pages < COMMIT_MUCH || memory->type != MEMORY_ANONYMOUS) {
        return false;
    }
    page_statistics_get(&machine);
    return pages >
           machine.free + atomic_load_explicit(TS_ATOMIC(&memory->resident), memory_order_relaxed);
}

ts_status_t memory_commit(struct memory *memory, uint64_t offset, uint64_t length)
{
    if (((offset | length) & PAGE_MASK) != 0) {
        return TS_ERR_ARGUMENT;
    }
    uint64_t size = memory_size(memory);
    if (offset > size || length > size - offset) {
        return TS_ERR_RANGE;
    }
    if (memory_is_too_much(memory, length)) {
        return TS_ERR_MEMORY;
    }
    for (uint64_t at = offset; at < offset + length; at += PAGE_SIZE) {
        struct page *page;
        ts_status_t status =
            thread_is_stopping() ? TS_ERR_INTERRUPTED : memory_page_get(memory, at, &page);
        if (status != TS_OK) {
            return status;
        }
        page_put(page);
    }
    return TS_OK;
}

ts_status_t memory_fix(struct memory *memory)
{
    uint64_t offset = 0;
    memory = memory_resolve(memory, &offset);
    irqflags_t flags = spin_lock(&memory->lock);
    ts_status_t status = memory->change != NULL || memory->pins == UINT32_MAX ? TS_ERR_BUSY : TS_OK;
    memory->pins += status == TS_OK;
    spin_unlock(&memory->lock, flags);
    return status;
}

void memory_unfix(struct memory *memory)
{
    uint64_t offset = 0;
    memory = memory_resolve(memory, &offset);
    irqflags_t flags = spin_lock(&memory->lock);
    KASSERT(memory->pins > 0);
    memory->pins--;
    spin_unlock(&memory->lock, flags);
}

ts_status_t memory_kernel_write(struct memory *memory, uint64_t offset, const void *from,
                                size_t length)
{
    while (length > 0) {
        struct page *page;
        ts_status_t status = memory_page_get(memory, offset, &page);
        if (status != TS_OK) {
            return status;
        }
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
