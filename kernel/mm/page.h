// SPDX-License-Identifier: MIT
// Physical page frames.
//
// Every frame of RAM has a struct page, in an array per 128 MiB of addresses that was made at boot
// and is zero (RESERVED) until the frame is first given out or taken back: boot touches neither
// the memory nor, save for one entry per 64 MiB, the array.
//
// Frames are kept by a buddy allocator (buddy.h), one for addresses below 4 GiB and one for the
// rest, behind a cache of single frames per CPU. All functions may be called in any context but
// an interrupt that cannot be masked: they take a leaf lock with interrupts off.
#pragma once

#include <stdatomic.h>

#include <base/list.h>
#include <tessera/abi/status.h>
#include <tessera/abi/types.h>
#include <arch/types.h>

enum page_state {
    PAGE_RESERVED = 0, // not ours to give: firmware, kernel image, modules, never touched
    PAGE_FREE,         // first frame of a block of the buddy allocator
    PAGE_CACHED,       // in a CPU's cache
    PAGE_USED,         // given out
    PAGE_HOLE,         // not RAM
};

struct page {
    _Atomic uint32_t references; // 0 while free
    uint32_t frame;              // address / PAGE_SIZE
    uint8_t state;               // enum page_state
    uint8_t order;               // FREE: of the block
    bool user;                   // holds a program's memory (statistics)
    uint8_t heap_class;          // heap.c: which class's objects are in it; PAGE_POISONED
    uint16_t heap_used;          // heap.c: objects in use
    uint16_t heap_free;          // heap.c: first free object
    struct list link;            // FREE: blocks of the order; heap.c: pages with free objects
};

// heap_class of a free frame that the debug kernel has filled: see page_free().
#define PAGE_POISONED UINT8_MAX

#define PAGE_ALLOC_ZERO 1u // filled with zeros
#define PAGE_ALLOC_USER 2u // for programs' memory: leaves the last pages to the kernel itself
#define PAGE_ALLOC_LOW  4u // below 4 GiB

// A frame with one reference. Without ZERO its content is another's: it must be overwritten before
// a program can see it. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t page_alloc(unsigned flags, struct page **out_page);

// `count` physically adjacent frames, each with one reference of its own; at most
// PAGE_CONTIGUOUS_MAX. TS_ERR_MEMORY also when there is enough, but in pieces.
#define PAGE_CONTIGUOUS_MAX 8192u // 32 MiB
TS_MUST_USE ts_status_t page_alloc_contiguous(uint64_t count, unsigned flags,
                                              struct page **out_first);

// References. The last put frees the frame; its content is left as it is, or poison in the debug
// kernel, which panics when that has changed before the frame is given out again.
static inline void page_get(struct page *page)
{
    atomic_fetch_add_explicit(&page->references, 1, memory_order_relaxed);
}
void page_put(struct page *page);

// The frame that holds a physical address, NULL when that is not RAM.
struct page *page_find(paddr_t address);

// One more than the highest frame that page_of_frame() may know.
uint32_t page_frame_end(void);

// Whether any of the range is RAM that this kernel manages or lives in (also its image and the
// modules); firmware's tables are not.
bool page_range_is_ram(paddr_t base, uint64_t bytes);

static inline paddr_t page_address(const struct page *page)
{
    return (paddr_t)page->frame << PAGE_SHIFT;
}

// Where the kernel reads and writes it.
void *page_pointer(const struct page *page);

// A frame that boot set aside (a module) becomes USED with one reference, which nobody puts: so
// that it can be mapped, pulled from and pinned like any other. `address` lies in RAM.
struct page *page_adopt(paddr_t address);

struct page_statistics {
    uint64_t total, free, user; // frames that the allocator was given; free now; in user memory
};
void page_statistics_get(struct page_statistics *out_statistics);

// Takes over free memory from <arch/boot.h>. Called once, by the first CPU, before anything else
// of kernel/mm; afterwards boot_page_alloc() may not be called any more.
void page_init(void);
