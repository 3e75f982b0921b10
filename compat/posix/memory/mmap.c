// SPDX-License-Identifier: MIT
// mmap: anonymous memory, and files as a snapshot of their content (MAP_PRIVATE, or reading). A
// shared mapping that writes a file back needs memory filled by a server, which is not there yet.
#include <stdint.h>
#include <sys/mman.h>
#include <tessera/lib/memory.h>
#include "core/descriptor.h"
#include "core/posix.h"

static unsigned protection_of(int protection)
{
    return (protection & PROT_READ ? TS_MAP_READ : 0) |
           (protection & PROT_WRITE ? TS_MAP_READ | TS_MAP_WRITE : 0) |
           (protection & PROT_EXEC ? TS_MAP_EXECUTE : 0);
}

// A store's pages can be mapped as they are to be read; a writer makes a copy.
static ts_status_t file_memory(ts_handle_t file, uint64_t length, int protection, off_t offset,
                               ts_handle_t *out_memory)
{
    if (!(protection & PROT_WRITE)) {
        ts_rights_t rights =
            TS_RIGHT_MAP | TS_RIGHT_READ | (protection & PROT_EXEC ? TS_RIGHT_EXECUTE : 0);
        ts_status_t status = ts_map_object(file, (uint64_t)offset, length, rights, out_memory);
        uint64_t size = 0;
        if (status == TS_OK) {
            status = ts_get_u64(*out_memory, TS_PROPERTY_SIZE, &size);
        }
        if (status == TS_OK && size >= length) {
            return TS_OK;
        }
        if (size > 0) { // not all of it
            ts_close(*out_memory);
            *out_memory = TS_HANDLE_NONE;
        } else if (status != TS_ERR_UNSUPPORTED && status != TS_ERR_LIMIT &&
                   status != TS_ERR_RANGE) { // behind its end: zeros, as for a writer
            return status;
        }
    }
    void *bytes;
    size_t got = 0;
    ts_status_t status = ts_memory_allocate(length, 0, out_memory, &bytes);
    for (size_t done = 0; status == TS_OK && done < length; done += got) {
        status = ts_read(file, (char *)bytes + done, length - done, (uint64_t)offset + done,
                         TS_DEADLINE_NONE, &got);
        if (got == 0) {
            break; // the rest of the last page is zeros
        }
    }
    if (*out_memory != TS_HANDLE_NONE) { // the caller closes that
        (void)ts_memory_unmap(bytes, length);
    }
    return status;
}

static ts_status_t map(void *wish, uint64_t length, int protection, int flags, ts_handle_t memory,
                       void **out)
{
    unsigned how = protection_of(protection);
    if (flags & MAP_FIXED) { // replaces what is there
        ts_status_t status = ts_memory_unmap(wish, length);
        if (status != TS_OK && status != TS_ERR_NOT_FOUND) {
            return status;
        }
        how |= TS_MAP_FIXED;
    }
    return ts_memory_map(memory, wish, length, 0, how, out);
}

void *mmap(void *wish, size_t size, int protection, int flags, int fd, off_t offset)
{
    uint64_t length = TS_PAGE_ROUND(size);
    bool anonymous = flags & MAP_ANONYMOUS;
    bool shared_write = (flags & MAP_SHARED) && (protection & PROT_WRITE) && !anonymous;
    if (!size || length < size || offset % TS_PAGE_SIZE || offset < 0) {
        posix_fail(EINVAL);
        return MAP_FAILED;
    }
    if (shared_write || ((protection & PROT_WRITE) && (protection & PROT_EXEC))) {
        posix_fail(ENOTSUP);
        return MAP_FAILED;
    }
    struct open_file *file = anonymous ? NULL : descriptor_get(fd);
    if (!anonymous && file == NULL) {
        return MAP_FAILED;
    }
    ts_handle_t memory = TS_HANDLE_NONE;
    ts_status_t status = anonymous ? ts_memory_create(length, 0, &memory)
                                   : file_memory(file->handle, length, protection, offset, &memory);
    void *address = MAP_FAILED;
    status = status != TS_OK ? status : map(wish, length, protection, flags, memory, &address);
    ts_close(memory); // the mapping keeps the pages
    if (file != NULL) {
        open_file_put(file);
    }
    if (status != TS_OK) {
        posix_fail(posix_errno(status));
        return MAP_FAILED;
    }
    return address;
}

int munmap(void *address, size_t size)
{
    if (!size || (uintptr_t)address % TS_PAGE_SIZE) {
        return posix_fail(EINVAL);
    }
    ts_status_t status = ts_memory_unmap(address, TS_PAGE_ROUND(size));
    return posix_result(status == TS_ERR_NOT_FOUND ? TS_OK : status); // as POSIX says
}

int mprotect(void *address, size_t size, int protection)
{
    ts_status_t status = ts_memory_protect(address, TS_PAGE_ROUND(size), protection_of(protection));
    return status == TS_ERR_NOT_FOUND ? posix_fail(ENOMEM) : posix_result(status);
}

int msync(void *address, size_t size, int flags)
{
    (void)address, (void)size, (void)flags;
    return 0; // nothing is written back
}

int madvise(void *address, size_t size, int advice)
{
    (void)address, (void)size, (void)advice;
    return 0;
}
