// SPDX-License-Identifier: MIT
// Physical page frames: see page.h.
//
// Single frames come from and go to a small stack of the CPU (no lock, interrupts off), which
// trades batches with the buddy allocators. Contiguous and low frames go to these directly.
//
// A machine that runs out keeps its last `reserve` frames from programs' memory, so that the kernel
// can still do what ends or shrinks something.
#include <stdatomic.h>
#include <allocation.h>
#include <arch/attribute.h>
#include <arch/boot.h>
#include <arch/memory.h>
#include <cpu.h>
#include <log.h>
#include <mm/account.h>
#include <mm/buddy.h>
#include <mm/page.h>
#include <base/statistics.h>
#include <panic.h>
#include <spinlock.h>

#define SECTION_SHIFT  15u // 128 MiB of frames
#define SECTION_FRAMES (1u << SECTION_SHIFT)
#define FRAME_MAX      UINT32_MAX
#define LOW_FRAMES     (UINT64_C(1) << (32 - PAGE_SHIFT))

#define CACHE_MAX   64u
#define CACHE_BATCH 16u

// The frames from the first to the last of RAM in 128 MiB of addresses.
struct section {
    struct page *pages;
    uint32_t first, count;
};

struct page_cache {
    uint32_t count;
    int64_t user; // frames of programs' memory, this CPU's share of the sum
    struct page *pages[CACHE_MAX];
} __attribute__((aligned(64)));

static struct section *sections;
static uint32_t section_count;

static struct spinlock buddy_lock = SPINLOCK_INIT("buddy");
static struct buddy buddy_low, buddy_high;
static struct page_cache caches[CPU_MAX]; // this CPU, interrupts off
static uint64_t total, reserve;

static struct buddy *buddy_of(uint32_t frame)
{
    return frame < LOW_FRAMES ? &buddy_low : &buddy_high;
}

struct page *page_of_frame(uint32_t frame)
{
    uint32_t number = frame >> SECTION_SHIFT;
    if (number >= section_count) {
        return NULL;
    }
    const struct section *section = &sections[number];
    uint32_t index = frame - section->first;
    if (index >= section->count || section->pages[index].state == PAGE_HOLE) {
        return NULL;
    }
    return &section->pages[index];
}

struct page *page_find(paddr_t address)
{
    return address >> PAGE_SHIFT > FRAME_MAX ? NULL
                                             : page_of_frame((uint32_t)(address >> PAGE_SHIFT));
}

void *page_pointer(const struct page *page)
{
    return phys_to_virt(page_address(page));
}

uint32_t page_frame_end(void)
{
    return section_count << SECTION_SHIFT;
}

#if TS_DEBUG

// Not present as an entry of a page table, not canonical as a pointer.
#define POISON_WORD  UINT64_C(0x5a5a5a5a5a5a5a5a)
#define POISON_WORDS (PAGE_SIZE / sizeof(uint64_t))
#define POISON_STEP  8u // one word of these is looked at, another one for each frame and time

static void page_poison(struct page *page)
{
    uint64_t *words = page_pointer(page);
    for (uint32_t i = 0; i < POISON_WORDS; i++) {
        words[i] = POISON_WORD;
    }
    page->heap_class = PAGE_POISONED;
}

static void poison_expect(const struct page *page, uint32_t from, uint32_t end, uint32_t step)
{
    const uint64_t *words = page_pointer(page);
    for (uint32_t i = from; i < end; i += step) {
        if (words[i] != POISON_WORD) {
            panic("page: frame %#lx was changed at %u after it was freed, to %#lx",
                  (unsigned long)page_address(page), i * (uint32_t)sizeof(uint64_t), words[i]);
        }
    }
}

// The first and the last words always, of the others a sample.
static void page_poison_check(struct page *page)
{
    static _Atomic uint32_t times;
    if (page->heap_class != PAGE_POISONED) {
        return;
    }
    uint32_t first = (atomic_fetch_add_explicit(&times, 1, memory_order_relaxed) + 1) % POISON_STEP;
    poison_expect(page, 0, POISON_STEP, 1);
    poison_expect(page, first, POISON_WORDS, POISON_STEP);
    poison_expect(page, POISON_WORDS - POISON_STEP, POISON_WORDS, 1);
    page->heap_class = 0;
}

#else

static void page_poison(struct page *page)
{
    (void)page;
}

static void page_poison_check(struct page *page)
{
    (void)page;
}

#endif

// Buddy lock held.
static struct page *buddies_take(unsigned order, unsigned flags)
{
    uint64_t left = buddy_low.free_count + buddy_high.free_count;
    uint64_t kept = (flags & PAGE_ALLOC_USER) != 0 ? reserve : 0;
    if (left < kept + (UINT64_C(1) << order)) {
        return NULL;
    }
    struct page *page = NULL;
    if ((flags & PAGE_ALLOC_LOW) == 0) {
        page = buddy_take(&buddy_high, order);
    }
    return page != NULL ? page : buddy_take(&buddy_low, order);
}

// (Seldom, and so at the expense of no register of its caller: see spin_wait.)
ARCH_KEEPS_REGISTERS __attribute__((noinline)) static void cache_fill(struct page_cache *cache,
                                                                      unsigned flags)
{
    spin_lock_off(&buddy_lock);
    while (cache->count < CACHE_BATCH) {
        struct page *page = buddies_take(0, flags);
        if (page == NULL) {
            break;
        }
        page->state = PAGE_CACHED;
        cache->pages[cache->count++] = page;
    }
    spin_unlock_off(&buddy_lock);
}

static void cache_drain(struct page_cache *cache)
{
    spin_lock_off(&buddy_lock);
    while (cache->count > CACHE_MAX - CACHE_BATCH) {
        struct page *page = cache->pages[--cache->count];
        buddy_give(buddy_of(page->frame), page->frame, 0);
    }
    spin_unlock_off(&buddy_lock);
}

static struct page *cache_take(struct page_cache *cache, unsigned flags)
{
    if (cache->count == 0) {
        cache_fill(cache, flags);
    }
    return cache->count > 0 ? cache->pages[--cache->count] : NULL;
}

// In use from now on, on this CPU. Interrupts off.
static void page_begin(uint32_t cpu, struct page *page, unsigned flags)
{
    page->state = PAGE_USED;
    page->user = (flags & PAGE_ALLOC_USER) != 0;
    caches[cpu].user += page->user;
    atomic_store_explicit(&page->references, 1, memory_order_relaxed);
    statistics_add_at(cpu, STATISTIC_PAGE_ALLOCATIONS, 1);
}

ts_status_t page_alloc(unsigned flags, struct page **out_page)
{
    if ((flags & PAGE_ALLOC_LOW) != 0) {
        return page_alloc_contiguous(1, flags, out_page);
    }
    if (allocation_refused()) {
        return TS_ERR_MEMORY;
    }
    irqflags_t irq = arch_irq_save();
    uint32_t cpu = cpu_current()->id;
    struct page *page = cache_take(&caches[cpu], flags);
    if (page != NULL) {
        page_begin(cpu, page, flags);
    }
    arch_irq_restore(irq);
    if (page == NULL) {
        return TS_ERR_MEMORY;
    }
    page_poison_check(page);
    if ((flags & PAGE_ALLOC_ZERO) != 0) {
        page_zero(page_pointer(page));
    }
    *out_page = page;
    return TS_OK;
}

ts_status_t page_alloc_contiguous(uint64_t count, unsigned flags, struct page **out_first)
{
    if (count == 0 || count > PAGE_CONTIGUOUS_MAX || allocation_refused()) {
        return TS_ERR_MEMORY;
    }
    unsigned order = 0;
    while (UINT64_C(1) << order < count) {
        order++;
    }
    irqflags_t irq = spin_lock(&buddy_lock);
    struct page *first = buddies_take(order, flags);
    if (first != NULL) {
        buddy_give_range(buddy_of(first->frame), first->frame + (uint32_t)count,
                         (UINT64_C(1) << order) - count);
    }
    spin_unlock(&buddy_lock, irq);
    if (first == NULL) {
        return TS_ERR_MEMORY;
    }
    for (uint64_t i = 0; i < count; i++) {
        irq = arch_irq_save();
        first[i].frame = first->frame + (uint32_t)i;
        page_begin(cpu_current()->id, &first[i], flags);
        arch_irq_restore(irq);
        page_poison_check(&first[i]);
        if ((flags & PAGE_ALLOC_ZERO) != 0) {
            page_zero(page_pointer(&first[i]));
        }
    }
    *out_first = first;
    return TS_OK;
}

static void page_free(struct page *page)
{
    page_poison(page);
    irqflags_t irq = arch_irq_save();
    struct page_cache *cache = &caches[cpu_current()->id];
    KASSERT(page->state == PAGE_USED);
    cache->user -= page->user;
    page->state = PAGE_CACHED;
    if (cache->count == CACHE_MAX) {
        cache_drain(cache);
    }
    cache->pages[cache->count++] = page;
    arch_irq_restore(irq);
}

void page_put(struct page *page)
{
    uint32_t old = atomic_fetch_sub_explicit(&page->references, 1, memory_order_release);
    KASSERT(old != 0);
    if (old != 1) {
        return;
    }
    // Whatever other holders did with the frame comes before its next use.
    atomic_thread_fence(memory_order_acquire);
    page_free(page);
}

struct page *page_adopt(paddr_t address)
{
    struct page *page = page_find(address);
    KREQUIRE(page != NULL && page->state != PAGE_FREE && page->state != PAGE_CACHED);
    if (page->state == PAGE_RESERVED) {
        page->frame = (uint32_t)(address >> PAGE_SHIFT);
        page->state = PAGE_USED;
        atomic_store_explicit(&page->references, 1, memory_order_relaxed);
    }
    return page;
}

bool page_range_is_ram(paddr_t base, uint64_t bytes)
{
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        if (range->kind == BOOT_MEMORY_RAM && base < range->base + range->size &&
            (base >= range->base || range->base - base < bytes)) {
            return true;
        }
    }
    return false;
}

void page_statistics_get(struct page_statistics *out_statistics)
{
    irqflags_t irq = spin_lock(&buddy_lock);
    uint64_t left = buddy_low.free_count + buddy_high.free_count;
    spin_unlock(&buddy_lock, irq);
    int64_t user = 0;
    // Other CPUs change theirs meanwhile: a picture, not a balance.
    for (uint32_t i = 0; i < CPU_MAX; i++) {
        left += atomic_load_explicit(TS_ATOMIC(&caches[i].count), memory_order_relaxed);
        user += atomic_load_explicit(TS_ATOMIC(&caches[i].user), memory_order_relaxed);
    }
    *out_statistics = (struct page_statistics){
        .total = total, .free = left, .user = user > 0 ? (uint64_t)user : 0};
}

// The part of a range of RAM that lies in a section.
static bool section_clip(const struct boot_range *range, uint64_t number, uint64_t *out_first,
                         uint64_t *out_end)
{
    uint64_t first = number << SECTION_SHIFT, end = first + SECTION_FRAMES;
    uint64_t range_first = range->base >> PAGE_SHIFT;
    uint64_t range_end = (range->base + range->size) >> PAGE_SHIFT;
    *out_first = range_first > first ? range_first : first;
    *out_end = range_end < end ? range_end : end;
    return range->kind == BOOT_MEMORY_RAM && *out_first < *out_end;
}

static void section_init(uint32_t number)
{
    struct section *section = &sections[number];
    uint64_t first, end, last = 0;
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        if (!section_clip(&boot_info.ranges[i], number, &first, &end)) {
            continue;
        }
        if (last == 0) {
            section->first = (uint32_t)first;
        }
        last = end;
    }
    if (last == 0) {
        return;
    }
    uint32_t count = (uint32_t)(last - section->first);
    section->pages =
        phys_to_virt(boot_page_alloc((uint64_t)count * sizeof(struct page), PAGE_SIZE));
    section->count = count;
    uint32_t at = section->first; // between ranges are holes
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        if (!section_clip(&boot_info.ranges[i], number, &first, &end)) {
            continue;
        }
        for (; at < first; at++) {
            section->pages[at - section->first].state = PAGE_HOLE;
        }
        at = (uint32_t)end;
    }
}

static void sections_init(void)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        struct boot_range *range = &boot_info.ranges[i];
        if (range->kind == BOOT_MEMORY_RAM && (range->base + range->size) >> PAGE_SHIFT > end) {
            end = (range->base + range->size) >> PAGE_SHIFT;
        }
    }
    if (end > FRAME_MAX) {
        log_warn("memory above 16 TiB is not used");
        end = FRAME_MAX;
    }
    section_count = (uint32_t)((end + SECTION_FRAMES - 1) >> SECTION_SHIFT);
    sections =
        phys_to_virt(boot_page_alloc((uint64_t)section_count * sizeof(struct section), PAGE_SIZE));
    for (uint32_t i = 0; i < section_count; i++) {
        section_init(i);
    }
}

static void range_take(paddr_t base, uint64_t size, void *context)
{
    (void)context;
    uint64_t first = base >> PAGE_SHIFT, end = (base + size) >> PAGE_SHIFT;
    uint64_t known = (uint64_t)section_count << SECTION_SHIFT;
    end = end < known ? end : known;
    uint64_t low_end = end < LOW_FRAMES ? end : LOW_FRAMES;
    if (first < low_end) {
        buddy_add(&buddy_low, (uint32_t)first, low_end - first);
    }
    first = first > LOW_FRAMES ? first : LOW_FRAMES;
    if (first < end) {
        buddy_add(&buddy_high, (uint32_t)first, end - first);
    }
}

void page_init(void)
{
    buddy_init(&buddy_low);
    buddy_init(&buddy_high);
    sections_init();
    irqflags_t irq = spin_lock(&buddy_lock);
    boot_memory_iterate(range_take, NULL);
    spin_unlock(&buddy_lock, irq);
    total = buddy_low.free_count + buddy_high.free_count;
    reserve = total / 128;
    reserve = reserve < 32 ? 32 : reserve > 1024 ? 1024 : reserve;
    log_info("memory: %lu MiB free", (unsigned long)(total >> (20 - PAGE_SHIFT)));
}
