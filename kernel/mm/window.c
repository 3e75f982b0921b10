// SPDX-License-Identifier: MIT
// See window.h.
#include <arch/memory.h>
#include <arch/space.h>
#include <core/list.h>
#include <mm/heap.h>
#include <mm/range_tree.h>
#include <mm/window.h>
#include <panic.h>
#include <spinlock.h>
#include <tessera/abi/ring.h>

#define WINDOW_BYTES (UINT64_C(64) << 30)
#define WINDOW_ALIGN (UINT64_C(1) << 30)  // what one entry of the second level maps
#define WINDOW_ROUND (UINT64_C(64) << 20) // gone round in, beside what is in use
#define WINDOW_GUARD (2 * PAGE_SIZE)      // unmapped behind each piece, and so before each
#define WINDOW_CHUNK 64u                  // pages unmapped per lock hold

// An index that is one too high or too low ends in a guard: no array here has wider elements than
// inboxes.
_Static_assert(WINDOW_GUARD > TS_PORT_INBOX_MAX, "guard");

static struct spinlock window_lock = SPINLOCK_INIT("kernel window");
static struct range_tree pieces; // struct range, each a heap object; with the guard behind
static vaddr_t window_base, window_next;
static uint64_t window_used; // bytes of pieces

bool window_contains(const void *pointer)
{
    return (vaddr_t)pointer - window_base < WINDOW_BYTES;
}

ts_status_t window_create(uint64_t bytes, vaddr_t *out_address)
{
    struct range *piece = heap_alloc(sizeof(*piece));
    if (piece == NULL)
        return TS_ERR_MEMORY;
    uint64_t length = bytes + WINDOW_GUARD;
    irqflags_t flags = spin_lock(&window_lock);
    // Going round instead of starting low: what is used wrongly after its end is not mapped. Not a
    // long way round: the tables of what was once mapped stay.
    uint64_t round = WINDOW_ROUND + 2 * window_used;
    vaddr_t limit = window_base + (round < WINDOW_BYTES ? round : WINDOW_BYTES);
    bool found =
        range_tree_gap(&pieces, window_next, limit, length, &piece->start) ||
        range_tree_gap(&pieces, window_base, window_base + WINDOW_BYTES, length, &piece->start);
    if (found) {
        window_used += length;
        piece->end = piece->start + length;
        window_next = piece->end;
        range_tree_insert(&pieces, piece);
        *out_address = piece->start;
    }
    spin_unlock(&window_lock, flags);
    if (found)
        return TS_OK;
    heap_free(piece, sizeof(*piece));
    return TS_ERR_MEMORY;
}

ts_status_t window_enter(vaddr_t address, paddr_t page)
{
    irqflags_t flags = spin_lock(&window_lock);
    ts_status_t status = arch_space_map(arch_kernel_space(), address, page,
                                        ARCH_PROT_READ | ARCH_PROT_WRITE, ARCH_CACHE_WRITE_BACK);
    spin_unlock(&window_lock, flags);
    return status;
}

void window_destroy(vaddr_t address, void (*removed)(paddr_t page))
{
    irqflags_t flags = spin_lock(&window_lock);
    struct range *piece = range_tree_find(&pieces, address);
    spin_unlock(&window_lock, flags);
    KREQUIRE(piece != NULL && piece->start == address);
    vaddr_t end = piece->end - WINDOW_GUARD;
    while (address < end) {
        paddr_t pages[WINDOW_CHUNK];
        uint32_t count = 0;
        struct arch_flush flush;
        flags = spin_lock(&window_lock);
        arch_flush_begin(&flush, arch_kernel_space());
        for (; address < end && count < WINDOW_CHUNK; address += PAGE_SIZE) {
            if (arch_space_unmap(arch_kernel_space(), address, &flush, &pages[count]) == TS_OK)
                count++;
        }
        arch_flush_commit(&flush);
        spin_unlock(&window_lock, flags);
        for (uint32_t i = 0; removed != NULL && i < count; i++)
            removed(pages[i]);
    }
    flags = spin_lock(&window_lock);
    range_tree_remove(&pieces, piece);
    window_used -= piece->end - piece->start;
    spin_unlock(&window_lock, flags);
    heap_free(piece, sizeof(*piece));
}

void window_init(void)
{
    vaddr_t address;
    ts_status_t status = kernel_window_alloc(WINDOW_BYTES + 2 * WINDOW_ALIGN, &address);
    KREQUIRE(status == TS_OK);
    window_base = (address + WINDOW_ALIGN + WINDOW_GUARD) & ~(WINDOW_ALIGN - 1);
    window_next = window_base;
    range_tree_init(&pieces);
}
