// SPDX-License-Identifier: MIT
// See process_memory.h.
#include <object/process_memory.h>

#include <arch/user.h>
#include <mm/address_space.h>
#include <mm/page.h>
#include <object/process.h>
#include <object/transfer.h>

// Moves bytes between the process and the caller, page by page. *inout_done: bytes moved.
static ts_status_t process_copy(struct address_space *space, uint64_t address, uint64_t length,
                                struct transfer *transfer, bool write)
{
    while (length > 0) {
        struct page *page;
        void *pointer;
        uint64_t chunk = TS_PAGE_SIZE - (address & (TS_PAGE_SIZE - 1));
        chunk = chunk < length ? chunk : length;
        ts_status_t status = space_page_get(space, address, write, &page, &pointer);
        if (status != TS_OK) {
            return TS_ERR_RANGE; // the other's memory: not the caller's fault
        }
        status = write ? transfer_from_user(transfer, pointer, chunk)
                       : transfer_to_user(transfer, pointer, chunk);
        page_put(page);
        if (status != TS_OK) {
            return status;
        }
        address += chunk;
        length -= chunk;
    }
    return TS_OK;
}

ts_status_t process_memory_move(struct process *process, struct operation *operation,
                                const struct ts_call *call)
{
    bool write = call->method == TS_PROCESS_WRITE;
    struct ts_process_memory range;
    if (call->in_length < sizeof(range)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = copy_from_user(&range, call->in_address, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    uint64_t room = write ? call->in_length - sizeof(range) : call->out_length;
    uint64_t from = write ? call->in_address + sizeof(range) : call->out_address;
    if (range.length > room) {
        return TS_ERR_ARGUMENT;
    }
    if (!arch_user_range_ok(range.address, range.length)) {
        return TS_ERR_RANGE;
    }
    struct transfer transfer;
    status = transfer_init_range(&transfer, from, range.length);
    if (status == TS_OK) {
        status = process_use(process);
    }
    if (status != TS_OK) {
        return status;
    }
    status = process_copy(process->space, range.address, range.length, &transfer, write);
    process_unuse(process);
    operation->value = transfer.done;
    return status;
}
