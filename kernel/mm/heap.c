// SPDX-License-Identifier: MIT
// The kernel's objects: see heap.h.
//
// A size class has pages cut into objects; free objects of a page form a list by their numbers, in
// their first two bytes. Pages with free objects are in their class's list; a page whose objects
// are all free is given back, but for one per class.
#include <allocation.h>
#include <arch/memory.h>
#include <core/list.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <mm/window.h>
#include <panic.h>
#include <spinlock.h>
#include <string.h>

#define CLASS_COUNT  14u
#define NO_OBJECT    UINT16_MAX
#define POISON       0xa5
#define ADJACENT_MAX ((size_t)64 << 10)

struct heap_class {
    struct spinlock lock;
    uint32_t size, per_page;
    struct list open; // pages with free objects
    uint32_t empty;   // of these, pages without any object in use
};

static const uint16_t class_sizes[CLASS_COUNT] = {16,  32,  48,  64,  96,  128,  192,
                                                  256, 384, 512, 576, 768, 1024, 2048};
static struct heap_class classes[CLASS_COUNT];
static uint8_t class_of_units[HEAP_SMALL_MAX / HEAP_UNIT + 1]; // by size in units, rounded up
uint16_t heap_prices[HEAP_SMALL_MAX / HEAP_UNIT + 1];
static _Atomic uint64_t pages_held;

static uint8_t class_of(size_t size)
{
    return class_of_units[(size + HEAP_UNIT - 1) / HEAP_UNIT];
}

static uint64_t pages_of(size_t size)
{
    return (size + PAGE_SIZE - 1) / PAGE_SIZE;
}

uint64_t heap_pages(void)
{
    return atomic_load_explicit(&pages_held, memory_order_relaxed);
}

static ts_status_t heap_page_take(struct page **out_page)
{
    ts_status_t status = page_alloc(0, out_page);
    if (status == TS_OK)
        atomic_fetch_add_explicit(&pages_held, 1, memory_order_relaxed);
    return status;
}

static void heap_page_give(struct page *page)
{
    atomic_fetch_sub_explicit(&pages_held, 1, memory_order_relaxed);
    page_put(page);
}

static void *object_at(const struct heap_class *class, const struct page *page, uint32_t number)
{
    return (char *)page_pointer(page) + (size_t)number * class->size;
}

static void poison_set(void *object, uint32_t size)
{
#if TS_DEBUG
    memset((char *)object + sizeof(uint16_t), POISON, size - sizeof(uint16_t));
#else
    (void)object, (void)size;
#endif
}

static void poison_check(const void *object, uint32_t size)
{
#if TS_DEBUG
    const unsigned char *bytes = object;
    for (uint32_t i = sizeof(uint16_t); i < size; i++)
        if (bytes[i] != POISON)
            panic("heap: %p was changed at %u after it was freed", object, i);
#else
    (void)object, (void)size;
#endif
}

// A new page of free objects, not in any list yet.
static struct page *heap_page_make(uint8_t number)
{
    const struct heap_class *class = &classes[number];
    struct page *page;
    if (heap_page_take(&page) != TS_OK)
        return NULL;
    page->heap_class = number;
    page->heap_used = 0;
    page->heap_free = 0;
    for (uint32_t i = 0; i < class->per_page; i++) {
        uint16_t *next = object_at(class, page, i);
        *next = i + 1 < class->per_page ? (uint16_t)(i + 1) : NO_OBJECT;
        poison_set(next, class->size);
    }
    return page;
}

static void *heap_alloc_small(uint8_t number)
{
    struct heap_class *class = &classes[number];
    struct page *made = NULL;
    irqflags_t flags = spin_lock(&class->lock);
    if (list_empty(&class->open)) {
        made = heap_page_make(number);
        if (made == NULL) {
            spin_unlock(&class->lock, flags);
            return NULL;
        }
        list_push_front(&class->open, &made->link);
        class->empty++;
    }
    struct page *page = list_entry(class->open.next, struct page, link);
    uint16_t *object = object_at(class, page, page->heap_free);
    page->heap_free = *object;
    class->empty -= page->heap_used++ == 0;
    if (page->heap_free == NO_OBJECT)
        list_remove(&page->link);
    spin_unlock(&class->lock, flags);
    poison_check(object, class->size);
    return object;
}

static void heap_free_small(void *object, uint8_t number)
{
    struct heap_class *class = &classes[number];
    struct page *page = page_find(virt_to_phys(object));
    KASSERT(page != NULL && page->state == PAGE_USED && page->heap_class == number);
    uint32_t index = (uint32_t)((vaddr_t)object & PAGE_MASK) / class->size;
    poison_set(object, class->size);
    struct page *spare = NULL;
    irqflags_t flags = spin_lock(&class->lock);
    KASSERT(page->heap_used > 0);
    if (page->heap_free == NO_OBJECT)
        list_push_front(&class->open, &page->link);
    *(uint16_t *)object = page->heap_free;
    page->heap_free = (uint16_t)index;
    if (--page->heap_used == 0 && class->empty++ > 0) {
        list_remove(&page->link);
        class->empty--;
        spare = page;
    }
    spin_unlock(&class->lock, flags);
    if (spare != NULL)
        heap_page_give(spare);
}

static void frame_drop(paddr_t page)
{
    heap_page_give(page_find(page));
}

static ts_status_t frame_take(uint64_t index, paddr_t *out_page, void *context)
{
    struct page *page;
    (void)index, (void)context;
    ts_status_t status = heap_page_take(&page);
    if (status == TS_OK)
        *out_page = page_address(page);
    return status;
}

// Single frames, side by side in the kernel window.
static void *heap_alloc_window(uint64_t count)
{
    static const struct window_frames frames = {.give = frame_take, .removed = frame_drop};
    vaddr_t address;
    return window_create(count, &frames, &address) == TS_OK ? (void *)address : NULL;
}

static void *heap_alloc_large(size_t size)
{
    if (size > HEAP_LARGE_MAX)
        return NULL;
    uint64_t count = pages_of(size);
    struct page *first;
    if (size <= ADJACENT_MAX && page_alloc_contiguous(count, 0, &first) == TS_OK) {
        atomic_fetch_add_explicit(&pages_held, count, memory_order_relaxed);
        return page_pointer(first);
    }
    return heap_alloc_window(count);
}

void *heap_alloc(size_t size)
{
    if (allocation_refused())
        return NULL;
    void *pointer =
        size <= HEAP_SMALL_MAX ? heap_alloc_small(class_of(size)) : heap_alloc_large(size);
    allocation_count(pointer != NULL);
    return pointer;
}

void *heap_alloc_zeroed(size_t size)
{
    void *pointer = heap_alloc(size);
    if (pointer != NULL)
        memset(pointer, 0, size);
    return pointer;
}

void heap_free(void *pointer, size_t size)
{
    if (pointer == NULL)
        return;
    allocation_count(-1);
    if (size <= HEAP_SMALL_MAX) {
        heap_free_small(pointer, class_of(size));
        return;
    }
    if (window_contains(pointer)) {
        window_destroy((vaddr_t)pointer, frame_drop);
        return;
    }
    struct page *first = page_find(virt_to_phys(pointer));
    for (uint64_t i = pages_of(size); i-- > 0;)
        heap_page_give(&first[i]);
}

void heap_init(void)
{
    uint32_t units = 0;
    for (uint8_t i = 0; i < CLASS_COUNT; i++) {
        struct heap_class *class = &classes[i];
        spin_init(&class->lock, "heap");
        class->size = class_sizes[i];
        class->per_page = (uint32_t)PAGE_SIZE / class->size;
        uint32_t price = ((uint32_t)PAGE_SIZE + class->per_page - 1) / class->per_page;
        list_init(&class->open);
        for (; units * HEAP_UNIT <= class->size; units++) {
            class_of_units[units] = i;
            heap_prices[units] = (uint16_t)price;
        }
    }
    window_init();
}
