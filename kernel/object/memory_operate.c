// SPDX-License-Identifier: MIT
// What programs ask of memory objects: read, write, size, map, and the methods COMMIT and VIEW.
// Everything goes page by page, preemptible.
#include <mm/page.h>
#include <object/caller.h>
#include <object/memory_operate.h>
#include <object/transfer.h>
#include <string.h>

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

ts_status_t memory_operate(struct object *object, struct operation *operation)
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
