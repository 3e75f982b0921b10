// SPDX-License-Identifier: MIT
// The kernel window: addresses given out upwards, and the region of kernel stacks at its end.
//
// Stacks have slots of a power of two with the guard page at their start. Slots are a bitmap;
// a few freed stacks stay mapped in a list threaded through the stacks themselves, since making
// one costs page-table work and unmapping one costs a flush of all CPUs.
#include <arch/memory.h>

#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/thread.h>
#include <machine/paging.h>
#include <panic.h>
#include <spinlock.h>
#include <string.h>
#include <tessera/abi/status.h>

#define STACK_SLOT  (8 * PAGE_SIZE)
#define STACK_COUNT 65536u
#define STACK_BASE  (KERNEL_WINDOW_END - STACK_COUNT * STACK_SLOT)
#define STACK_CACHE 32

static struct spinlock window_lock = SPINLOCK_INIT("kernel window");
static vaddr_t window_next = KERNEL_WINDOW_BASE;

static struct spinlock stack_lock = SPINLOCK_INIT("kernel stacks");
static uint64_t stack_used[STACK_COUNT / 64];
static uint32_t stack_hint; // no word of the bitmap below this one has a free slot
static vaddr_t stack_cache; // top of a free, mapped stack; the next one's top is in its last word
static uint32_t stack_cached;

ts_status_t kernel_window_alloc(uint64_t bytes, vaddr_t *out_address)
{
    bytes = (bytes + PAGE_MASK) & ~PAGE_MASK;
    irqflags_t flags = spin_lock(&window_lock);
    bool fits = bytes && bytes <= STACK_BASE - window_next;
    if (fits) {
        *out_address = window_next;
        window_next += bytes;
    }
    spin_unlock(&window_lock, flags);
    return fits ? TS_OK : TS_ERR_MEMORY;
}

volatile void *arch_device_map(paddr_t address, uint64_t bytes, unsigned prot,
                               enum arch_cache cache)
{
    paddr_t first = address & ~PAGE_MASK;
    uint64_t size = (address - first + bytes + PAGE_MASK) & ~PAGE_MASK;
    vaddr_t at;
    if (kernel_window_alloc(size, &at) != TS_OK ||
        arch_space_map_range(&kernel_space, at, first, size >> PAGE_SHIFT, prot, cache) != TS_OK) {
        return NULL;
    }
    return (volatile char *)at + (address - first);
}

vaddr_t kernel_stack_map(uint64_t bytes)
{
    vaddr_t at;
    paddr_t memory = boot_page_alloc(bytes, PAGE_SIZE);
    KREQUIRE(kernel_window_alloc(bytes + PAGE_SIZE, &at) == TS_OK);
    KREQUIRE(arch_space_map_range(&kernel_space, at + PAGE_SIZE, memory, bytes >> PAGE_SHIFT,
                                  ARCH_PROT_WRITE, ARCH_CACHE_WRITE_BACK) == TS_OK);
    return at + PAGE_SIZE + bytes;
}

static vaddr_t *cache_link(vaddr_t top)
{
    return (vaddr_t *)top - 1;
}

static vaddr_t slot_take(void)
{
    irqflags_t flags = spin_lock(&stack_lock);
    vaddr_t top = 0;
    for (uint32_t word = stack_hint; word < STACK_COUNT / 64; word++) {
        if (~stack_used[word]) {
            uint32_t bit = (uint32_t)__builtin_ctzll(~stack_used[word]);
            stack_used[word] |= UINT64_C(1) << bit;
            stack_hint = word;
            top = STACK_BASE + (word * 64 + bit) * STACK_SLOT + PAGE_SIZE + KERNEL_STACK_SIZE;
            break;
        }
    }
    spin_unlock(&stack_lock, flags);
    return top;
}

static void slot_free(vaddr_t top)
{
    uint64_t slot = (top - STACK_BASE) / STACK_SLOT;
    irqflags_t flags = spin_lock(&stack_lock);
    stack_used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    if (slot / 64 < stack_hint) {
        stack_hint = (uint32_t)(slot / 64); // low ones first: the tables of the others are not made
    }
    spin_unlock(&stack_lock, flags);
}

static vaddr_t cache_take(void)
{
    irqflags_t flags = spin_lock(&stack_lock);
    vaddr_t top = stack_cache;
    if (top) {
        stack_cache = *cache_link(top);
        stack_cached--;
    }
    spin_unlock(&stack_lock, flags);
    return top;
}

static bool cache_put(vaddr_t top)
{
    irqflags_t flags = spin_lock(&stack_lock);
    bool room = stack_cached < STACK_CACHE;
    if (room) {
        *cache_link(top) = stack_cache;
        stack_cache = top;
        stack_cached++;
    }
    spin_unlock(&stack_lock, flags);
    return room;
}

static void stack_unmap(vaddr_t top, unsigned pages)
{
    struct arch_flush flush;
    arch_flush_begin(&flush, &kernel_space);
    paddr_t page[ARCH_STACK_PAGES];
    vaddr_t base = top - KERNEL_STACK_SIZE;
    for (unsigned i = 0; i < pages; i++) {
        KREQUIRE(arch_space_unmap(&kernel_space, base + i * PAGE_SIZE, &flush, &page[i]) == TS_OK);
    }
    arch_flush_commit(&flush);
    for (unsigned i = 0; i < pages; i++) {
        kernel_page_free(page[i]);
    }
    slot_free(top);
}

ts_status_t arch_stack_create(vaddr_t *out_top)
{
    vaddr_t top = cache_take();
    if (top) {
        *out_top = top;
        return TS_OK;
    }
    top = slot_take();
    if (!top) {
        return TS_ERR_MEMORY;
    }
    for (unsigned i = 0; i < ARCH_STACK_PAGES; i++) {
        paddr_t page;
        ts_status_t status = kernel_page_alloc(&page);
        if (status == TS_OK) {
            status = arch_space_map(&kernel_space, top - KERNEL_STACK_SIZE + i * PAGE_SIZE, page,
                                    ARCH_PROT_WRITE, ARCH_CACHE_WRITE_BACK);
            if (status != TS_OK) {
                kernel_page_free(page);
            }
        }
        if (status != TS_OK) {
            stack_unmap(top, i);
            return status;
        }
    }
    // Whatever lay in these pages is gone. An emulator that has translated code of such a page, the
    // firmware's say, is slow at every write to it until all of that code is overwritten: hundreds
    // of times slower, for a thread that lives as long as the reaper.
    memset((void *)(top - KERNEL_STACK_SIZE), 0, KERNEL_STACK_SIZE);
    *out_top = top;
    return TS_OK;
}

void arch_stack_destroy(vaddr_t top)
{
    if (!cache_put(top)) {
        stack_unmap(top, ARCH_STACK_PAGES);
    }
}
