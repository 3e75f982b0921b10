// SPDX-License-Identifier: MIT
// Memories as objects. See memory.h. What programs ask (read, write, size, map, and the methods
// COMMIT and VIEW) goes page by page, preemptible.
#include <object/memory.h>

#include <mm/page.h>
#include <object/body.h>
#include <object/caller.h>
#include <object/device.h>
#include <object/reaper.h>
#include <object/transfer.h>
#include <panic.h>
#include <string.h>

#define ADJACENT_MAX  16u // pages for which the kernel tries to do without the window
#define CHUNKS_A_STEP 8u  // of the reaper, interrupts on

static struct memory *memory_make(enum memory_type type, uint64_t size, struct account *payer,
                                  ts_status_t *out_status)
{
    struct memory *memory = body_create(payer, sizeof(*memory), &memory_class, out_status);
    if (memory == NULL) {
        return NULL;
    }
    memory_init(memory, type, size);
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

ts_status_t memory_create_kernel(struct account *account, uint64_t bytes,
                                 struct kernel_mapping *out_mapping)
{
    struct memory *memory;
    ts_status_t status = TS_ERR_MEMORY;
    bytes = (bytes + PAGE_MASK) & ~PAGE_MASK;
    if (bytes / PAGE_SIZE <= ADJACENT_MAX) {
        status = memory_create(account, bytes, TS_MEMORY_CONTIGUOUS, &memory);
    }
    if (status == TS_ERR_MEMORY) {
        status = memory_create(account, bytes, 0, &memory);
    }
    if (status != TS_OK) {
        return status;
    }
    status = memory_kernel_map(memory, out_mapping);
    object_put(&memory->object); // the mapping has its own reference
    return status;
}

// ---- The end

// The reaper's step.
static bool pages_end_some(struct memory *memory)
{
    for (unsigned i = 0; i < CHUNKS_A_STEP; i++) {
        if (!memory_end_some(memory)) {
            return false;
        }
    }
    return true;
}

static bool ending_step(struct work *work)
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
    if (memory_end_some(memory)) {
        memory->ending = (struct work){.step = ending_step};
        reaper_queue(&memory->ending);
    } else {
        memory_unmake(memory);
    }
}

// ---- Operations

static const char zeros[PAGE_SIZE];

// Moves up to the end of one page.
static ts_status_t move_page(struct memory *memory, uint64_t offset, struct transfer *transfer,
                             size_t length, bool write)
{
    struct page *page;
    ts_status_t status =
        write ? memory_page_get(memory, offset, &page) : memory_page_peek(memory, offset, &page);
    if (status != TS_OK) {
        return status;
    }
    if (page == NULL) { // never touched: nothing is made for reading it
        return transfer_to_user(transfer, zeros, length);
    }
    char *pointer = (char *)page_pointer(page) + (offset & PAGE_MASK);
    status = write ? transfer_from_user(transfer, pointer, length)
                   : transfer_to_user(transfer, pointer, length);
    page_put(page);
    return status;
}

static ts_status_t memory_move(struct memory *memory, struct operation *operation, bool write)
{
    struct transfer transfer;
    if ((operation->flags & TS_FLAG_CURRENT) != 0) {
        return TS_ERR_UNSUPPORTED;
    }
    ts_status_t status = transfer_init(&transfer, operation);
    if (status != TS_OK) {
        return status;
    }
    uint64_t offset = operation->offset, size = memory_size(memory);
    if (offset >= size) {
        return write && transfer.total != 0 ? TS_ERR_RANGE : TS_OK;
    }
    uint64_t end = transfer.total < size - offset ? offset + transfer.total : size;
    while (offset < end && status == TS_OK) {
        uint64_t part = PAGE_SIZE - (offset & PAGE_MASK);
        part = part < end - offset ? part : end - offset;
        status = move_page(memory, offset, &transfer, part, write);
        offset += part;
    }
    if (status == TS_ERR_RANGE && !write) { // it was shrunk meanwhile: that is where it ends
        status = TS_OK;
    }
    operation->value = transfer.done;
    return status;
}

static ts_status_t memory_set(struct memory *memory, const struct operation *operation)
{
    uint64_t size;
    if (operation->arg != TS_PROPERTY_SIZE) {
        return TS_ERR_UNSUPPORTED;
    }
    if ((operation->handle_rights & TS_RIGHT_WRITE) == 0) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = operation_set(operation, &size, sizeof(size));
    return status == TS_OK ? memory_resize(memory, size) : status;
}

// Gives a handle to [offset, offset + length) with no more than `rights`.
static ts_status_t memory_give(struct memory *memory, uint64_t offset, uint64_t length,
                               ts_rights_t rights, struct operation *operation)
{
    if (offset == 0 && length == memory_size(memory)) {
        operation->result = object_handle_get(&memory->object, rights);
        return TS_OK;
    }
    struct memory *view;
    ts_status_t status = memory_create_view(caller_account(), memory, offset, length, &view);
    if (status != TS_OK) {
        return status;
    }
    operation->result = object_handle_get(&view->object, rights);
    object_put(&view->object);
    return TS_OK;
}

// The part that a program asked for by map, cut at the end; 0 = all.
static ts_status_t memory_map(struct memory *memory, struct operation *operation)
{
    uint64_t offset = operation->offset, length = operation->arg, size = memory_size(memory);
    ts_rights_t access = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_EXECUTE;
    if (offset > size || (offset & PAGE_MASK) != 0) {
        return (offset & PAGE_MASK) != 0 ? TS_ERR_ARGUMENT : TS_ERR_RANGE;
    }
    if ((operation->rights & access & ~operation->handle_rights) != 0) {
        return TS_ERR_RIGHTS;
    }
    uint64_t most = size - offset;
    if (length == 0 || length > most) {
        length = most;
    }
    length = (length + PAGE_MASK) & ~PAGE_MASK;
    return memory_give(memory, offset, length, operation->rights & operation->handle_rights,
                       operation);
}

static ts_status_t memory_call(struct memory *memory, struct operation *operation)
{
    struct ts_call call;
    struct ts_memory_range range;
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    if (call.method != TS_MEMORY_COMMIT && call.method != TS_MEMORY_VIEW) {
        return TS_ERR_UNSUPPORTED;
    }
    status = call_read(&call, &range, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    if (call.method == TS_MEMORY_COMMIT) {
        return memory_commit(memory, range.offset, range.length);
    }
    return call.out_handles == 0 ? TS_ERR_ARGUMENT
                                 : memory_give(memory, range.offset, range.length,
                                               operation->handle_rights, operation);
}

static ts_status_t memory_operate(struct object *object, struct operation *operation)
{
    struct memory *memory = memory_of(object);
    switch (operation->op) {
    case TS_OP_READ: return memory_move(memory, operation, false);
    case TS_OP_WRITE: return memory_move(memory, operation, true);
    case TS_OP_GET:
        return operation->arg == TS_PROPERTY_SIZE
                   ? operation_get_u64(operation, memory_size(memory))
                   : TS_ERR_UNSUPPORTED;
    case TS_OP_SET: return memory_set(memory, operation);
    case TS_OP_MAP: return memory_map(memory, operation);
    case TS_OP_CALL: return memory_call(memory, operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}

const struct object_class memory_class = {
    .kind = TS_KIND_MEMORY,
    .name = "memory",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_EXECUTE | TS_RIGHT_MAP | TS_RIGHT_CALL |
              TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .destroy = memory_destroy,
    .operate = memory_operate,
};
