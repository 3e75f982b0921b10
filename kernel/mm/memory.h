// SPDX-License-Identifier: MIT
// Memories: pages that can be mapped, pinned and charged. object/memory.h makes them objects that
// programs have.
//
// Anonymous memory has its pages in a radix tree and gets them when they are touched, zeroed and
// charged like the object itself to the account of the process that made it. Contiguous memory has
// them from the start. Physical memory is device memory: it can be mapped, and nothing else. Boot
// memory is what the loader left in RAM (the archive). A view is a part of another memory with
// rights of its own; it holds no pages, only its parent.
//
// A mapping of a range keeps it from being cut off: shrinking below what another process maps, or
// what is pinned, is TS_ERR_BUSY. What the kernel maps changes its size in neither direction, so
// that all mappings mean the same bytes; a pin names its own pages and lets it grow.
//
// The size is read without the lock to refuse early and to answer. A call that goes on to a page, a
// mapping or a region is checked again under the lock that keeps the size from changing.
//
// Lock: memory.lock, below the lock of a space. Pages are removed only when no mapping of them is
// left, so a page table entry needs no reference to the frame.
#pragma once

#include <core/kernel_range.h>
#include <core/object.h>
#include <mm/radix.h>
#include <core/work.h>
#include <tessera/abi/object.h>
#include <tessera/abi/syscall.h>
#include <arch/space.h>
#include <stdatomic.h>

struct account;
struct address_space;
struct device;
struct page;

enum memory_type {
    MEMORY_ANONYMOUS,
    MEMORY_CONTIGUOUS,
    MEMORY_PHYSICAL,
    MEMORY_BOOT,
    MEMORY_VIEW,
};

#define MEMORY_SIZE_MAX (UINT64_C(1) << 46)

// What is being done to a memory in more than one hold of its lock: it shrinks, or gets its first
// kernel mapping, one at a time. On the stack of the caller.
struct memory_change {
    uint64_t end;         // what may be mapped anew: the size, or what it is about to shrink to
    uint64_t reserved;    // pages that are charged and not there yet
    struct list *next;    // where the walk over the regions goes on, and from which byte of the
    uint64_t next_offset; // memory on in that region; NULL: there is none
};

struct memory {
    struct object object;
    uint64_t id; // never another's, from 1: what outlives the object knows it by this
    struct spinlock lock;
    uint8_t type;                 // enum memory_type
    uint8_t cache;                // PHYSICAL: enum arch_cache
    bool private;                 // TS_MEMORY_PRIVATE
    uint64_t size;                // bytes, a multiple of PAGE_SIZE; memory_size() without the lock
    struct radix pages;           // ANONYMOUS: struct page, by index
    uint64_t resident;            // ANONYMOUS: pages in it
    paddr_t base;                 // CONTIGUOUS, PHYSICAL, BOOT
    uint32_t pins;                // it cannot shrink
    uint32_t kernel_maps;         // its size stays; of a view: its own, and its parent is pinned
    void *kernel_pointer;         // while there are any
    struct memory_change *change; // NULL: none, and neither kind begins while there is one
    union {
        struct list regions; // struct region: all that map it; new ones at the front
        struct work ending;  // when nobody knows the memory any more
    };
    union {
        struct memory *parent; // VIEW: never a view itself; a reference is held
        struct device *device; // PHYSICAL: whose registers; a use. NULL: no device's
    };
    union {
        uint64_t offset; // VIEW: bytes in the parent
        uint64_t freed;  // ending: pages below this index have been given back
    };
};

#define MEMORY_CHUNK 64u // pages removed per lock hold, at the most

// In memory that is zeroed, and begins with an object that is made.
void memory_init(struct memory *memory, enum memory_type type, uint64_t size);

// The size at some time: it may be another one by now.
static inline uint64_t memory_size(const struct memory *memory)
{
    return atomic_load_explicit(TS_ATOMIC(&memory->size), memory_order_relaxed);
}

// What the account of a memory is charged, if it has one. Any context.
TS_MUST_USE ts_status_t memory_charge(struct memory *memory, uint64_t pages);
void memory_uncharge(struct memory *memory, uint64_t pages);

// Maps the whole memory for the kernel in one piece, says what that is, and keeps its size until
// memory_kernel_unmap(); or the part that is a view's, which keeps its memory from shrinking. All
// pages are charged before any is made (a view's one by one, to the memory's account, and those
// that were made stay), and window_price() with them. Interrupts on, no lock held.
// TS_ERR_UNSUPPORTED: physical memory; TS_ERR_RANGE: empty, or shorter than the view; TS_ERR_BUSY:
// it is being shrunk, or mapped for the first time; TS_ERR_LIMIT, TS_ERR_MEMORY. With an error
// nothing is mapped.
TS_MUST_USE ts_status_t memory_kernel_map(struct memory *memory,
                                          struct kernel_mapping *out_mapping);

// Ends a mapping, and empties it. Nobody may be using it any more.
void memory_kernel_unmap(struct kernel_mapping *mapping);

// Allocates the pages of a range. Preemptible. TS_ERR_RANGE, TS_ERR_ARGUMENT (alignment),
// TS_ERR_LIMIT; TS_ERR_MEMORY: none is left, or, at once, it is more than the machine has free.
TS_MUST_USE ts_status_t memory_commit(struct memory *memory, uint64_t offset, uint64_t length);

// Whether so much of it is more than the machine has left, where it is much: better refused before
// everybody is without. It is a look and no promise: others take pages as well.
bool memory_is_too_much(struct memory *memory, uint64_t length);

// Keeps the memory from shrinking (pins). TS_ERR_BUSY: it is being shrunk, or mapped by the kernel.
TS_MUST_USE ts_status_t memory_fix(struct memory *memory);
void memory_unfix(struct memory *memory);

// The frame at an offset, made if it is missing, with memory.lock held: *out_page NULL for
// physical memory, whose address is then in *out_address. TS_ERR_RANGE, TS_ERR_LIMIT,
// TS_ERR_MEMORY. The memory is not a view.
TS_MUST_USE ts_status_t memory_page_locked(struct memory *memory, uint64_t offset,
                                           struct page **out_page, paddr_t *out_address);

// The same without the lock held, for views too, and with a reference to the frame (RAM only:
// TS_ERR_UNSUPPORTED else).
TS_MUST_USE ts_status_t memory_page_get(struct memory *memory, uint64_t offset,
                                        struct page **out_page);

// As memory_page_get, but a page that was never touched is not made: *out_page is NULL then.
TS_MUST_USE ts_status_t memory_page_peek(struct memory *memory, uint64_t offset,
                                         struct page **out_page);

// Resolves a view: the memory that has the pages, and the offset there.
struct memory *memory_resolve(struct memory *memory, uint64_t *inout_offset);

// Reads or writes through the direct map, for the kernel's own use (boot information, clock).
TS_MUST_USE ts_status_t memory_kernel_write(struct memory *memory, uint64_t offset,
                                            const void *from, size_t length);

// set SIZE, rounded up to pages; the mappings that the calling process has beyond a new end fault
// from then on. Preemptible. TS_ERR_UNSUPPORTED: not anonymous; TS_ERR_TOO_LARGE; TS_ERR_BUSY: to
// less, and pinned, or mapped there by another process; to another size, and mapped by the kernel;
// it is being shrunk, or mapped by the kernel.
TS_MUST_USE ts_status_t memory_resize(struct memory *memory, uint64_t size);

// A fault that the fuzzer has to find, planted by `plant=growth` on the debug kernel's command
// line: memory that the kernel has mapped may grow.
#if TS_DEBUG
extern bool memory_plant_growth;
#else
enum { memory_plant_growth = false };
#endif

// The list of regions, by their `link`, with the memory's lock held. A walk over it lets go of the
// lock between chunks: it meets each region that was there when it began, but for those that went
// meanwhile. What is new is not met: it reaches no further than the change's `end`. What is split
// off from a region is met if that still would be.
static inline void memory_region_add(struct memory *memory, struct list *link)
{
    list_push_front(&memory->regions, link);
}

static inline void memory_region_split(struct list *link, struct list *upper)
{
    list_push_front(link, upper); // behind the lower part
}

static inline void memory_region_remove(struct memory *memory, struct list *link)
{
    struct memory_change *change = memory->change;
    if (change != NULL && change->next == link) {
        change->next = link->next;
        change->next_offset = 0;
    }
    list_remove(link);
}

// What was taken out of a memory, to be given back without its lock.
struct memory_removed {
    struct page *pages[MEMORY_CHUNK];
    uint32_t count;
    struct radix_node *nodes; // of the tree, linked by slots[0]
};

// Takes pages out from *inout_index on, in a bounded number of steps. True: it is to go on at
// *inout_index. Lock held, or the only user. What comes out is to be given to memory_removed_free.
bool memory_remove_some(struct memory *memory, uint64_t *inout_index,
                        struct memory_removed *out_removed);
void memory_removed_free(struct memory *memory, struct memory_removed *removed);

// Gives a chunk of the pages back, when nobody knows the memory any more and `freed` was set to 0.
// True: there are more.
bool memory_end_some(struct memory *memory);
