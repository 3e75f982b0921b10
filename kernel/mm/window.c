// SPDX-License-Identifier: MIT
// See window.h.
#include <arch/memory.h>
#include <arch/space.h>
#include <base/list.h>
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
#define WINDOW_CHUNK ARCH_RANGE_PAGES     // pages unmapped per lock hold

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

// Addresses for `length` bytes. NULL: there are none, or no memory.
static struct range *piece_make(uint64_t length)
{
    struct range *piece = heap_alloc(sizeof(*piece));
    if (piece == NULL) {
        return NULL;
    }
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
    }
    spin_unlock(&window_lock, flags);
    if (found) {
        return piece;
    }
    heap_free(piece, sizeof(*piece));
    return NULL;
}

static void piece_free(struct range *piece)
{
    irqflags_t flags = spin_lock(&window_lock);
    range_tree_remove(&pieces, piece);
    window_used -= piece->end - piece->start;
    spin_unlock(&window_lock, flags);
    heap_free(piece, sizeof(*piece));
}

static ts_status_t window_enter(vaddr_t address, paddr_t page)
{
    irqflags_t flags = spin_lock(&window_lock);
    ts_status_t status = arch_space_map(arch_kernel_space(), address, page,
                                        ARCH_PROT_READ | ARCH_PROT_WRITE, ARCH_CACHE_WRITE_BACK);
    spin_unlock(&window_lock, flags);
    return status;
}

struct removal {
    paddr_t pages[WINDOW_CHUNK];
    uint32_t count;
};

static void note_removed(vaddr_t address, paddr_t page, void *context)
{
    struct removal *removal = context;
    (void)address;
    removal->pages[removal->count++] = page;
}

// Unmaps [address, end), all of which is mapped.
static void window_leave(vaddr_t address, vaddr_t end, void (*removed)(paddr_t page))
{
    while (address < end) {
        struct removal removal = {.count = 0};
        struct arch_flush flush;
        uint64_t left = (end - address) / PAGE_SIZE;
        irqflags_t flags = spin_lock(&window_lock);
        arch_flush_begin(&flush, arch_kernel_space());
        address = arch_space_unmap_range(arch_kernel_space(), address,
                                         left < WINDOW_CHUNK ? left : WINDOW_CHUNK, &flush,
                                         note_removed, &removal);
        arch_flush_commit(&flush);
        spin_unlock(&window_lock, flags);
        for (uint32_t i = 0; removed != NULL && i < removal.count; i++) {
            removed(removal.pages[i]);
        }
    }
}

ts_status_t window_create(uint64_t count, const struct window_frames *frames, vaddr_t *out_address)
{
    struct range *piece = piece_make(count * PAGE_SIZE + WINDOW_GUARD);
    if (piece == NULL) {
        return TS_ERR_MEMORY;
    }
    ts_status_t status = TS_OK;
    vaddr_t address = piece->start;
    for (uint64_t i = 0; i < count && status == TS_OK; i++) {
        paddr_t page;
        status = frames->give(i, &page, frames->context);
        if (status != TS_OK) {
            break;
        }
        status = window_enter(address, page);
        if (status == TS_OK) {
            address += PAGE_SIZE;
        } else if (frames->removed != NULL) {
            frames->removed(page);
        }
    }
    *out_address = piece->start;
    if (status == TS_OK) {
        return TS_OK;
    }
    window_leave(piece->start, address, frames->removed);
    piece_free(piece);
    return status;
}

void window_destroy(vaddr_t address, void (*removed)(paddr_t page))
{
    irqflags_t flags = spin_lock(&window_lock);
    struct range *piece = range_tree_find(&pieces, address);
    spin_unlock(&window_lock, flags);
    KREQUIRE(piece != NULL && piece->start == address);
    window_leave(address, piece->end - WINDOW_GUARD, removed);
    piece_free(piece);
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
