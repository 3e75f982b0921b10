// SPDX-License-Identifier: MIT
// The kernel's objects: see heap.h.
//
// A size class has pages cut into objects; free objects of a page form a list by their numbers, in
// their first two bytes. Pages with free objects are in their class's list; a page whose objects
// are all free is given back, but for one per class.
#include <allocation.h>
#include <arch/memory.h>
#include <base/list.h>
#include <mm/heap.h>
#include <mm/heap_check.h>
#include <mm/page.h>
#include <mm/window.h>
#include <panic.h>
#include <spinlock.h>
#include <stdatomic.h>
#include <string.h>

#define NO_OBJECT    UINT16_MAX
#define ADJACENT_MAX ((size_t)64 << 10)

// What the debug kernel holds back of each class.
#define HEAP_HELD_MAX   32u
#define HEAP_HELD_BYTES 8192u

// The debug kernel's slots are longer than what was asked for, hence its last two classes.
static const uint16_t class_sizes[] = {
    16,   32, 48, 64, 96, 128, 192, 256, 384, 512, 576, 768, 1024,
#if TS_DEBUG
    1344,
#endif
    2048,
#if TS_DEBUG
    4096,
#endif
};

#define CLASS_COUNT (sizeof(class_sizes) / sizeof(class_sizes[0]))

struct heap_class {
    struct spinlock lock;
    uint32_t size, per_page;
    struct list open; // pages with free objects
    uint32_t empty;   // of these, pages without any object in use
#if TS_DEBUG
    void *held[HEAP_HELD_MAX]; // freed objects that are not used again yet, oldest at `held_next`
    uint32_t held_next;
#endif
};

static struct heap_class classes[CLASS_COUNT];
static uint8_t class_of_units[(HEAP_SMALL_MAX + HEAP_RED) / HEAP_UNIT + 2]; // by size, rounded up
uint16_t heap_prices[HEAP_SMALL_MAX / HEAP_UNIT + 1];
static _Atomic uint64_t pages_held;

static struct heap_class *class_of(size_t size)
{
    return &classes[class_of_units[(size + HEAP_RED + HEAP_UNIT - 1) / HEAP_UNIT]];
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
    if (status == TS_OK) {
        atomic_fetch_add_explicit(&pages_held, 1, memory_order_relaxed);
    }
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

// page.heap_class of its pages; 0 is a page of nobody's.
static uint8_t mark_of(const struct heap_class *class)
{
    return (uint8_t)(class - classes + 1);
}

// A new page of free objects, not in any list yet. Lock held.
static struct page *heap_page_make(const struct heap_class *class)
{
    struct page *page;
    if (heap_page_take(&page) != TS_OK) {
        return NULL;
    }
    page->heap_class = mark_of(class);
    page->heap_used = 0;
    page->heap_free = 0;
    for (uint32_t i = 0; i < class->per_page; i++) {
        uint16_t *next = object_at(class, page, i);
        heap_slot_make(next, class->size);
        *next = i + 1 < class->per_page ? (uint16_t)(i + 1) : NO_OBJECT;
    }
    return page;
}

static void *heap_alloc_small(size_t size, const void *by)
{
    struct heap_class *class = class_of(size);
    irqflags_t flags = spin_lock(&class->lock);
    if (list_empty(&class->open)) {
        struct page *made = heap_page_make(class);
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
    if (page->heap_free == NO_OBJECT) {
        list_remove(&page->link);
    }
    heap_slot_begin(object, class->size, size, by);
    spin_unlock(&class->lock, flags);
    return object;
}

// Back into its page; the result is a page to give back, or NULL. Lock held.
static struct page *object_give(struct heap_class *class, void *object)
{
    struct page *page = page_find(virt_to_phys(object));
    KASSERT(page->heap_used > 0);
    if (page->heap_free == NO_OBJECT) {
        list_push_front(&class->open, &page->link);
    }
    *(uint16_t *)object = page->heap_free;
    page->heap_free = (uint16_t)(((vaddr_t)object & PAGE_MASK) / class->size);
    if (--page->heap_used > 0 || class->empty++ == 0) {
        return NULL;
    }
    list_remove(&page->link);
    class->empty--;
    page->heap_class = 0;
    return page;
}

#if TS_DEBUG

static _Atomic uint32_t patrol_frame; // the last that a patrol looked at

// Every object of a page of the class. Lock held.
static void page_check(const struct heap_class *class, const struct page *page)
{
    for (uint32_t i = 0; i < class->per_page; i++) {
        heap_slot_check(object_at(class, page, i), class->size);
    }
}

// A frame, if it is one of the heap's.
static void frame_check(uint32_t frame)
{
    struct page *page = page_find((paddr_t)frame << PAGE_SHIFT);
    uint8_t mark =
        page == NULL ? 0 : atomic_load_explicit(TS_ATOMIC(&page->heap_class), memory_order_relaxed);
    if (mark == 0 || mark > CLASS_COUNT) {
        return;
    }
    struct heap_class *class = &classes[mark - 1];
    irqflags_t flags = spin_lock(&class->lock);
    if (page->state == PAGE_USED && page->heap_class == mark) {
        page_check(class, page);
    }
    spin_unlock(&class->lock, flags);
}

// What is overrun and never freed is found in time: each free looks at one more frame.
static void patrol(void)
{
    uint32_t frame = atomic_fetch_add_explicit(&patrol_frame, 1, memory_order_relaxed) + 1;
    if (frame >= page_frame_end()) {
        atomic_store_explicit(&patrol_frame, 0, memory_order_relaxed);
    } else {
        frame_check(frame);
    }
}

void heap_check(void)
{
    for (uint32_t frame = 0; frame < page_frame_end(); frame++) {
        frame_check(frame);
    }
}

// The object ends and waits among others, so that a late write to it does not hit a new
// one; the result is the one that has waited longest, unchanged, or NULL. Lock held.
static void *object_hold(struct heap_class *class, void *object, size_t size, const void *by)
{
    const struct page *page = page_find(virt_to_phys(object));
    KREQUIRE(page != NULL && page->state == PAGE_USED && page->heap_class == mark_of(class));
    KREQUIRE(((vaddr_t)object & PAGE_MASK) % class->size == 0);
    page_check(class, page);
    heap_slot_end(object, class->size, size, by);
    uint32_t room = HEAP_HELD_BYTES / class->size;
    room = room < HEAP_HELD_MAX ? room : HEAP_HELD_MAX;
    void *oldest = class->held[class->held_next];
    class->held[class->held_next] = object;
    class->held_next = (class->held_next + 1) % room;
    if (oldest != NULL) {
        heap_slot_check_poison(oldest, class->size, 0);
    }
    return oldest;
}

#else

static void *object_hold(struct heap_class *class, void *object, size_t size, const void *by)
{
    (void)class, (void)size, (void)by;
    return object;
}

static void patrol(void)
{}

#endif

static void heap_free_small(void *object, size_t size, const void *by)
{
    struct heap_class *class = class_of(size);
    struct page *spare = NULL;
    irqflags_t flags = spin_lock(&class->lock);
    object = object_hold(class, object, size, by);
    if (object != NULL) {
        spare = object_give(class, object);
    }
    spin_unlock(&class->lock, flags);
    if (spare != NULL) {
        heap_page_give(spare);
    }
    patrol();
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
    if (status == TS_OK) {
        *out_page = page_address(page);
    }
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
    if (size > HEAP_LARGE_MAX) {
        return NULL;
    }
    uint64_t count = pages_of(size);
    struct page *first;
    if (size <= ADJACENT_MAX && page_alloc_contiguous(count, 0, &first) == TS_OK) {
        atomic_fetch_add_explicit(&pages_held, count, memory_order_relaxed);
        return page_pointer(first);
    }
    return heap_alloc_window(count);
}

// Every allocation comes by here; `by` is the address in the function that asked.
static void *alloc(size_t size, const void *by)
{
    if (allocation_refused()) {
        return NULL;
    }
    void *object = size <= HEAP_SMALL_MAX ? heap_alloc_small(size, by) : heap_alloc_large(size);
    if (object != NULL && size > HEAP_SMALL_MAX) {
        heap_large_begin(object, size);
    }
    allocation_count(object != NULL);
    return object;
}

void *heap_alloc(size_t size)
{
    return alloc(size, __builtin_return_address(0));
}

void *heap_alloc_zeroed(size_t size)
{
    void *pointer = alloc(size, __builtin_return_address(0));
    if (pointer != NULL) {
        memset(pointer, 0, size);
    }
    return pointer;
}

void heap_free(void *pointer, size_t size)
{
    if (pointer == NULL) {
        return;
    }
    allocation_count(-1);
    if (size <= HEAP_SMALL_MAX) {
        heap_free_small(pointer, size, __builtin_return_address(0));
        return;
    }
    heap_large_end(pointer, size);
    if (window_contains(pointer)) {
        window_destroy((vaddr_t)pointer, frame_drop);
        return;
    }
    struct page *first = page_find(virt_to_phys(pointer));
    for (uint64_t i = pages_of(size); i-- > 0;) {
        heap_page_give(&first[i]);
    }
}

void heap_init(void)
{
    uint32_t units = 0;
    for (uint8_t i = 0; i < CLASS_COUNT; i++) {
        struct heap_class *class = &classes[i];
        spin_init(&class->lock, "heap");
        class->size = class_sizes[i];
        class->per_page = (uint32_t)PAGE_SIZE / class->size;
        list_init(&class->open);
        for (; units * HEAP_UNIT <= class->size && units < sizeof(class_of_units); units++) {
            class_of_units[units] = i;
        }
    }
    for (units = 0; units * HEAP_UNIT <= HEAP_SMALL_MAX; units++) {
        uint32_t per_page = class_of(units * HEAP_UNIT)->per_page;
        heap_prices[units] = (uint16_t)((PAGE_SIZE + per_page - 1) / per_page);
    }
    window_init();
}
