// SPDX-License-Identifier: MIT
#include <tessera/lib/memory.h>

ts_status_t ts_memory_create(uint64_t size, unsigned flags, ts_handle_t *out_memory)
{
    struct ts_result result =
        ts_sys_create(ts_create_word(TS_KIND_MEMORY, flags, TS_HANDLE_NONE), size, 0, 0);
    if (result.status == TS_OK) {
        *out_memory = (ts_handle_t)result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_memory_map(ts_handle_t memory, void *address, size_t length, uint64_t offset,
                          unsigned flags, void **out_address)
{
    struct ts_result result =
        ts_sys_map(ts_pair(0, memory), (uintptr_t)address, length, offset, flags);
    if (result.status == TS_OK) {
        *out_address = (void *)(uintptr_t)result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_memory_unmap(void *address, size_t length)
{
    return (ts_status_t)ts_sys_unmap(0, (uintptr_t)address, length).status;
}

ts_status_t ts_memory_protect(void *address, size_t length, unsigned flags)
{
    return (ts_status_t)ts_sys_protect(0, (uintptr_t)address, length, flags).status;
}

static ts_status_t allocate(size_t size, unsigned flags, unsigned map_flags,
                            ts_handle_t *out_memory, void **out_address)
{
    ts_handle_t memory;
    ts_status_t status = ts_memory_create(size, flags, &memory);
    if (status != TS_OK) {
        return status;
    }
    status = ts_memory_map(memory, NULL, TS_PAGE_ROUND(size), 0,
                           TS_MAP_READ | TS_MAP_WRITE | map_flags, out_address);
    if (status == TS_OK && out_memory != NULL) {
        *out_memory = memory;
    } else {
        ts_close(memory); // the mapping, if there is one, keeps the pages
    }
    return status;
}

ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                               void **out_address)
{
    return allocate(size, flags, 0, out_memory, out_address);
}

ts_status_t ts_memory_allocate_now(size_t size, void **out_address)
{
    return allocate(size, 0, TS_MAP_POPULATE, NULL, out_address);
}

ts_status_t ts_memory_commit(ts_handle_t memory, uint64_t offset, uint64_t length)
{
    struct ts_memory_range range = {offset, length};
    return ts_call_bytes(memory, TS_MEMORY_COMMIT, &range, sizeof(range), NULL, 0, NULL);
}

ts_status_t ts_memory_view(ts_handle_t memory, uint64_t offset, uint64_t length,
                           ts_handle_t *out_view)
{
    struct ts_memory_range range = {offset, length};
    return ts_call_handle(memory, TS_MEMORY_VIEW, &range, sizeof(range), NULL, 0, out_view);
}

// Content that its server does not give as memory: the caller makes some, and pays for it.
static ts_status_t copy_object(ts_handle_t handle, uint64_t offset, uint64_t length,
                               ts_rights_t rights, ts_handle_t *out_memory)
{
    uint64_t size;
    if (ts_get_u64(handle, TS_PROPERTY_SIZE, &size) != TS_OK) {
        return TS_ERR_UNSUPPORTED;
    }
    if (offset % TS_PAGE_SIZE != 0) {
        return TS_ERR_ARGUMENT;
    }
    if (offset >= size) {
        return TS_ERR_RANGE;
    }
    if (length == 0 || length > size - offset) {
        length = size - offset;
    }
    void *bytes;
    ts_handle_t memory;
    ts_status_t status = ts_memory_allocate(length, 0, &memory, &bytes);
    if (status != TS_OK) {
        return status;
    }
    status = ts_read_all(handle, bytes, length, offset);
    (void)ts_memory_unmap(bytes, TS_PAGE_ROUND(length));
    if (status == TS_OK) {
        status = ts_duplicate(memory, rights, out_memory);
    }
    ts_close(memory);
    return status;
}

ts_status_t ts_map_object(ts_handle_t handle, uint64_t offset, uint64_t length, ts_rights_t rights,
                          ts_handle_t *out_memory)
{
    uint64_t value;
    ts_status_t status = ts_op(
        handle, &(struct ts_op){.op = TS_OP_MAP, .rights = rights, .offset = offset, .arg = length},
        &value);
    if (status == TS_OK) {
        *out_memory = (ts_handle_t)value;
    }
    return status == TS_ERR_UNSUPPORTED ? copy_object(handle, offset, length, rights, out_memory)
                                        : status;
}
