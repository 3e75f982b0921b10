// SPDX-License-Identifier: MIT
// Memory objects: pages that can be mapped, read and written, sent and pinned.
//
// Anonymous memory has its pages in a radix tree and gets them when they are touched, zeroed and
// charged like the object itself to the account of the process that made it. Contiguous memory has
// them from the start. Physical memory is device memory: it can be mapped, and nothing else. Boot
// memory is what the loader left in RAM (the archive). A view is a part of another memory with
// rights of its own; it holds no pages, only its parent.
//
// Whoever maps a range keeps it from being cut off: shrinking below what another process maps, or
// what is pinned or mapped by the kernel, is TS_ERR_BUSY.
//
// Lock: memory.lock, below the lock of a space. Pages are removed only when no mapping of them is
// left, so a page table entry needs no reference to the frame.
#pragma once

#include <core/object.h>
#include <mm/radix.h>
#include <tessera/abi/object.h>
#include <tessera/abi/syscall.h>
#include <arch/space.h>

struct account;
struct address_space;
struct page;

enum memory_type {
    MEMORY_ANONYMOUS,
    MEMORY_CONTIGUOUS,
    MEMORY_PHYSICAL,
    MEMORY_BOOT,
    MEMORY_VIEW,
};

#define MEMORY_SIZE_MAX (UINT64_C(1) << 46)

struct memory {
    struct object object;
    uint64_t id; // never another's, from 1: what outlives the object knows it by this
    struct spinlock lock;
    uint8_t type;  // enum memory_type
    uint8_t cache; // PHYSICAL: enum arch_cache
    bool private;  // TS_MEMORY_PRIVATE
    bool resizing;
    uint64_t size;         // bytes, a multiple of PAGE_SIZE
    struct radix pages;    // ANONYMOUS: struct page, by index
    uint64_t resident;     // ANONYMOUS: pages in it
    paddr_t base;          // CONTIGUOUS, PHYSICAL, BOOT
    uint32_t fixed;        // pins and kernel mappings: it cannot shrink
    struct list regions;   // struct region: everything that maps it
    struct memory *parent; // VIEW: never a view itself; a reference is held
    uint64_t offset;       // VIEW: bytes in the parent
    void *kernel_pointer;  // ANONYMOUS: while mapped by the kernel
    uint32_t kernel_maps;
};

extern const struct object_class memory_class;

static inline struct memory *memory_of(struct object *object)
{
    return list_entry(object, struct memory, object);
}

// For the system call create: `bytes` is rounded up to pages; flags: TS_MEMORY_CONTIGUOUS,
// TS_MEMORY_PRIVATE. One reference, no handle. TS_ERR_ARGUMENT (0, unknown flag), TS_ERR_TOO_LARGE,
// TS_ERR_LIMIT, TS_ERR_MEMORY. Preemptible.
ts_status_t memory_create(struct account *account, uint64_t bytes, unsigned flags,
                          struct memory **out_memory);

// Device memory. The range has been checked (resource.c). The account pays for the object.
ts_status_t memory_create_physical(struct account *account, paddr_t base, uint64_t bytes,
                                   enum arch_cache cache, struct memory **out_memory);

// RAM that the loader filled; base is page-aligned, bytes are rounded up.
ts_status_t memory_create_boot(paddr_t base, uint64_t bytes, struct memory **out_memory);

// Zeroed anonymous or contiguous memory with all its pages, and where the kernel sees it until
// memory_kernel_unmap(): rings, the clock page. `account` may be NULL. Interrupts on.
ts_status_t memory_create_kernel(struct account *account, uint64_t bytes,
                                 struct memory **out_memory, void **out_pointer);

// Where the kernel sees the whole memory, in one piece: commits all pages and keeps it from
// shrinking until as many memory_kernel_unmap(). Views give their part. Interrupts on, no lock
// held. TS_ERR_UNSUPPORTED: physical memory; TS_ERR_LIMIT, TS_ERR_MEMORY.
ts_status_t memory_kernel_map(struct memory *memory, void **out_pointer);
void memory_kernel_unmap(struct memory *memory);

// Allocates the pages of a range. Preemptible. TS_ERR_RANGE, TS_ERR_ARGUMENT (alignment).
ts_status_t memory_commit(struct memory *memory, uint64_t offset, uint64_t length);

// Keeps the memory from shrinking (pins). TS_ERR_BUSY while it is being shrunk.
ts_status_t memory_fix(struct memory *memory);
void memory_unfix(struct memory *memory);

// The frame at an offset, made if it is missing, with memory.lock held: *out_page NULL for
// physical memory, whose address is then in *out_address. TS_ERR_RANGE, TS_ERR_LIMIT,
// TS_ERR_MEMORY. The memory is not a view.
ts_status_t memory_page_locked(struct memory *memory, uint64_t offset, struct page **out_page,
                               paddr_t *out_address);

// The same without the lock held, for views too, and with a reference to the frame (RAM only:
// TS_ERR_UNSUPPORTED else).
ts_status_t memory_page_get(struct memory *memory, uint64_t offset, struct page **out_page);

// Resolves a view: the memory that has the pages, and the offset there.
struct memory *memory_resolve(struct memory *memory, uint64_t *inout_offset);

// Reads or writes through the direct map, for the kernel's own use (boot information, clock).
ts_status_t memory_kernel_write(struct memory *memory, uint64_t offset, const void *from,
                                size_t length);

// set SIZE, rounded up to pages; the mappings that the calling process has beyond a new end fault
// from then on. Preemptible. TS_ERR_UNSUPPORTED: not anonymous; TS_ERR_TOO_LARGE; TS_ERR_BUSY.
ts_status_t memory_resize(struct memory *memory, uint64_t size);
