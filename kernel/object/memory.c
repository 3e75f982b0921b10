// SPDX-License-Identifier: MIT
// Memory objects: making and ending them, and their pages. See memory.h; memory_size.c has what
// changes the size, memory_kernel.c what the kernel maps, memory_operate.c what programs ask.
#include <arch/memory.h>
#include <mm/page.h>
#include <object/body.h>
#include <object/device.h>
#include <object/memory.h>
#include <object/memory_operate.h>
#include <panic.h>
#include <stdatomic.h>
#include <string.h>

static void memory_destroy(struct object *object);

const struct object_class memory_class = {
    .kind = TS_KIND_MEMORY,
    .name = "memory",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_EXECUTE | TS_RIGHT_MAP | TS_RIGHT_CALL |
              TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .destroy = memory_destroy,
    .operate = memory_operate,
};

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

static uint64_t next_id(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

static struct memory *memory_make(enum memory_type type, uint64_t size, struct account *payer,
                                  ts_status_t *out_status)
{
    struct memory *memory = body_create(payer, sizeof(*memory), &memory_class, out_status);
    if (memory == NULL) {
        return NULL;
    }
    spin_init(&memory->lock, "memory");
    memory->id = next_id();
    memory->type = (uint8_t)type;
    memory->size = size;
    radix_init(&memory->pages);
    list_init(&memory->regions);
    return memory;
}

// For memory that was never an object to others.
static void memory_unmake(struct memory *memory)
{
    body_destroy(&memory->object, sizeof(*memory));
}

static ts_status_t contiguous_create(struct account *account, uint64_t bytes,
                                     struct memory **out_memory)
{
    ts_status_t status;
    struct memory *memory = memory_make(MEMORY_CONTIGUOUS, bytes, account, &status);
    if (memory == NULL) {
        return status;
    }
    uint64_t count = bytes / PAGE_SIZE;
    struct page *first;
    status = memory_charge(memory, count);
    if (status != TS_OK) {
        goto unmake;
    }
    status = page_alloc_contiguous(count, PAGE_ALLOC_ZERO | PAGE_ALLOC_USER, &first);
    if (status != TS_OK) {
        goto uncharge;
    }
    memory->base = page_address(first);
    *out_memory = memory;
    return TS_OK;
uncharge:
    memory_uncharge(memory, count);
unmake:
    memory_unmake(memory);
    return status;
}

ts_status_t memory_create(struct account *account, uint64_t bytes, unsigned flags,
                          struct memory **out_memory)
{
    if (bytes == 0 || (flags & ~(TS_MEMORY_CONTIGUOUS | TS_MEMORY_PRIVATE)) != 0) {
        return TS_ERR_ARGUMENT;
    }
    if (bytes > MEMORY_SIZE_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    bytes = (bytes + PAGE_MASK) & ~PAGE_MASK;
    if ((flags & TS_MEMORY_CONTIGUOUS) != 0) {
        if (bytes / PAGE_SIZE > PAGE_CONTIGUOUS_MAX) {
            return TS_ERR_TOO_LARGE;
        }
        return contiguous_create(account, bytes, out_memory);
    }
    ts_status_t status;
    struct memory *memory = memory_make(MEMORY_ANONYMOUS, bytes, account, &status);
    if (memory == NULL) {
        return status;
    }
    memory->private = (flags & TS_MEMORY_PRIVATE) != 0;
    *out_memory = memory;
    return TS_OK;
}

ts_status_t memory_create_physical(struct account *account, paddr_t base, uint64_t bytes,
                                   enum arch_cache cache, struct device *device,
                                   struct memory **out_memory)
{
    ts_status_t status;
    struct memory *memory = memory_make(MEMORY_PHYSICAL, bytes, account, &status);
    if (memory == NULL) {
        return status;
    }
    memory->base = base;
    memory->cache = (uint8_t)cache;
    memory->device = device_use(device);
    *out_memory = memory;
    return TS_OK;
}

ts_status_t memory_create_boot(paddr_t base, uint64_t bytes, struct memory **out_memory)
{
    bytes = (bytes + PAGE_MASK) & ~PAGE_MASK;
    ts_status_t status;
    struct memory *memory = memory_make(MEMORY_BOOT, bytes, NULL, &status);
    if (memory == NULL) {
        return status;
    }
    memory->base = base;
    for (uint64_t offset = 0; offset < bytes; offset += PAGE_SIZE) {
        page_adopt(base + offset);
    }
    *out_memory = memory;
    return TS_OK;
}

ts_status_t memory_create_view(struct account *account, struct memory *memory, uint64_t offset,
                               uint64_t length, struct memory **out_view)
{
    if (((offset | length) & PAGE_MASK) != 0 || length == 0) {
        return TS_ERR_ARGUMENT;
    }
    uint64_t size = memory_size(memory);
    if (offset > size || length > size - offset) {
        return TS_ERR_RANGE;
    }
    ts_status_t status;
    struct memory *view = memory_make(MEMORY_VIEW, length, account, &status);
    if (view == NULL) {
        return status;
    }
    view->parent = memory_resolve(memory, &offset);
    view->offset = offset;
    view->private = memory->private;
    object_get(&view->parent->object);
    *out_view = view;
    return TS_OK;
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

#define CHUNKS_A_STEP 8u // of the reaper, interrupts on

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

// The end -----------------------------------------------------------------------------------------

// Gives a chunk of the pages back. True: there are more.
static bool chunk_end(struct memory *memory)
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

// The reaper's step.
static bool pages_end_some(struct memory *memory)
{
    for (unsigned i = 0; i < CHUNKS_A_STEP; i++) {
        if (!chunk_end(memory)) {
            return false;
        }
    }
    return true;
}

static bool ending_step(struct reaper_work *work)
{
    struct memory *memory = list_entry(work, struct memory, ending);
    if (pages_end_some(memory)) {
        return true;
    }
    memory_unmake(memory);
    return false;
}

// In the reaper: nobody knows the object any more. What is large goes on among other work; a chunk
// here, since the reaper destroys many objects in a step.
static void memory_destroy(struct object *object)
{
    struct memory *memory = memory_of(object);
    KASSERT(list_empty(&memory->regions) && memory->kernel_maps == 0);
    if (memory->type == MEMORY_VIEW) {
        object_put(&memory->parent->object);
    }
    if (memory->type == MEMORY_PHYSICAL) {
        device_unuse(memory->device); // no mapping of it is left, and no CPU remembers one
    }
    memory->freed = 0;
    if (chunk_end(memory)) {
        memory->ending = (struct reaper_work){.step = ending_step};
        reaper_queue(&memory->ending);
    } else {
        memory_unmake(memory);
    }
}
