// SPDX-License-Identifier: MIT
// Copies between a client's memory and the current process or its inbox, for kernel/core: at most
// to the end of one page of the client, interrupts off, one copy, straight from frame to mapping.
//
// The client's page is found under the lock of its space and kept by a reference; this process's
// memory is reached where it is mapped. With interrupts off a user copy resolves no faults, so what
// is missing here is made first, when the copy has failed.
#include <arch/hooks.h>
#include <arch/user.h>
#include <core/hooks.h>
#include <mm/address_space.h>
#include <mm/page.h>
#include <base/statistics.h>
#include <sched/sched.h>
#include <string.h>

static ts_status_t copy_once(void *kernel, vaddr_t user, uint32_t length,
                             enum copy_direction direction)
{
    return direction == COPY_PULL ? copy_to_user(user, kernel, length)
                                  : copy_from_user(kernel, user, length);
}

// Makes the pages of [address, address + length) of the current process present.
static ts_status_t touch(vaddr_t address, uint32_t length, bool write)
{
    struct address_space *space = space_current();
    if (space == NULL || !arch_user_range_ok(address, length)) {
        return TS_ERR_FAULT;
    }
    vaddr_t last = address + length - 1;
    for (vaddr_t at = address & ~PAGE_MASK; at <= last; at += PAGE_SIZE) {
        ts_status_t status = space_fault(space, at, write ? ARCH_FAULT_WRITE : 0);
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

ts_status_t environment_copy(struct address_space *client, uint64_t client_address,
                             uint64_t address, uint32_t length, enum copy_direction direction)
{
    if (length == 0) {
        return TS_OK;
    }
    if (thread_is_stopping()) { // between two pages of a long one
        return TS_ERR_INTERRUPTED;
    }
    struct page *page;
    void *pointer;
    if (space_page_get(client, client_address, direction == COPY_PUSH, &page, &pointer) != TS_OK) {
        return TS_ERR_CLIENT_FAULT;
    }
    ts_status_t status = copy_once(pointer, address, length, direction);
    if (status != TS_OK) {
        status = touch(address, length, direction == COPY_PULL);
        if (status == TS_OK) {
            status = copy_once(pointer, address, length, direction);
        }
    }
    page_put(page);
    statistics_add(STATISTIC_COPIES, 1);
    statistics_add(STATISTIC_BYTES_COPIED, length);
    return status == TS_OK ? TS_OK : TS_ERR_FAULT;
}

ts_status_t environment_copy_inbox(struct address_space *client, uint64_t client_address, void *to,
                                   uint32_t length)
{
    if (length == 0) {
        return TS_OK;
    }
    struct page *page;
    void *pointer;
    if (space_page_get(client, client_address, false, &page, &pointer) != TS_OK) {
        return TS_ERR_CLIENT_FAULT;
    }
    memcpy(to, pointer, length);
    page_put(page);
    statistics_add(STATISTIC_COPIES, 1);
    statistics_add(STATISTIC_BYTES_COPIED, length);
    return TS_OK;
}

void environment_write_handles(struct address_space *client, uint64_t client_address,
                               const ts_handle_t *handles, uint32_t count)
{
    const char *from = (const char *)handles;
    uint64_t left = count * sizeof(*handles);
    while (left > 0) {
        uint64_t part = PAGE_SIZE - (client_address & PAGE_MASK);
        part = part < left ? part : left;
        struct page *page;
        void *pointer;
        if (space_page_get(client, client_address, true, &page, &pointer) != TS_OK) {
            return;
        }
        memcpy(pointer, from, part);
        page_put(page);
        from += part;
        client_address += part;
        left -= part;
    }
}
