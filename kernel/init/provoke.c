// SPDX-License-Identifier: MIT
// See provoke.h. Each does what a bug would do; none is reached by a program.
#include <init/provoke.h>

#include <arch/boot.h>
#include <arch/memory.h>
#include <log.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <mm/window.h>
#include <object/memory.h>
#include <panic.h>

#define SIZE 100u // of objects; not the size of a class

__attribute__((noinline)) static void stack_smash(void)
{
    volatile char text[16];
    for (volatile unsigned i = 0; i < 2 * sizeof(text); i++) {
        ((volatile char *)text)[i] = 'x';
    }
}

__attribute__((noinline)) static unsigned stack_overflow(unsigned depth)
{
    volatile unsigned words[128];
    words[depth % 128] = depth;
    return depth == UINT32_MAX ? 0 : stack_overflow(depth + 1) + words[0];
}

static void stack_guard(void)
{
    log_info("%u frames", stack_overflow(0));
}

// Too large for adjacent frames: a piece of the kernel window, as inboxes and tables of ports are.
#define LARGE ((size_t)256 << 10)

// Two of them side by side, the lower one in [0].
static void large_pair(volatile char *pair[2])
{
    volatile char *first = heap_alloc(LARGE), *second = heap_alloc(LARGE);
    KREQUIRE(window_contains((void *)first) && window_contains((void *)second));
    pair[0] = first < second ? first : second;
    pair[1] = first < second ? second : first;
    pair[0][LARGE - 1] = pair[1][0] = 0;
}

// Farther than a page from the object: all of a wrong element is in the guard, not its start alone.
static void guard_behind(void)
{
    volatile char *pair[2];
    large_pair(pair);
    pair[0][LARGE + PAGE_SIZE] = 1;
}

static void guard_before(void)
{
    volatile char *pair[2];
    large_pair(pair);
    *(pair[1] - PAGE_SIZE - 1) = 1;
}

#if TS_DEBUG

static void heap_overrun(void)
{
    char *object = heap_alloc(SIZE);
    KREQUIRE(object != NULL);
    object[SIZE] = 1;
    heap_free(object, SIZE);
}

// Nobody frees what was overrun.
static void heap_walk(void)
{
    char *object = heap_alloc(SIZE);
    KREQUIRE(object != NULL);
    object[SIZE] = 1;
    heap_check();
}

static void heap_underrun(void)
{
    char *first = heap_alloc(SIZE), *second = heap_alloc(SIZE);
    KREQUIRE(first != NULL && second != NULL);
    // The first object of a page has what is before the page before it.
    char *object = ((vaddr_t)first & PAGE_MASK) != 0 ? first : second;
    object[-1] = 1;
    heap_free(object, SIZE);
}

static void heap_large(void)
{
    char *object = heap_alloc(2 * PAGE_SIZE - 1);
    KREQUIRE(object != NULL);
    object[2 * PAGE_SIZE - 1] = 1;
    heap_free(object, 2 * PAGE_SIZE - 1);
}

static void heap_twice(void)
{
    char *object = heap_alloc(SIZE);
    heap_free(object, SIZE);
    heap_free(object, SIZE);
}

static void heap_reuse(void)
{
    char *object = heap_alloc(SIZE);
    heap_free(object, SIZE);
    object[SIZE / 2] = 1;
    for (unsigned i = 0; i < 1000; i++) {
        heap_free(heap_alloc(SIZE), SIZE);
    }
}

static void page_reuse(void)
{
    struct page *page;
    KREQUIRE(page_alloc(0, &page) == TS_OK);
    char *bytes = page_pointer(page);
    page_put(page);
    bytes[0] = 1;
    while (page_alloc(0, &page) == TS_OK) {
        continue;
    }
}

#endif

static const struct {
    const char *word;
    void (*fault)(void);
} faults[] = {
    {"panic=stack", stack_smash},         {"panic=stack-guard", stack_guard},
    {"panic=guard-behind", guard_behind}, {"panic=guard-before", guard_before},
#if TS_DEBUG
    {"panic=heap-overrun", heap_overrun}, {"panic=heap-underrun", heap_underrun},
    {"panic=heap-walk", heap_walk},       {"panic=heap-large", heap_large},
    {"panic=heap-twice", heap_twice},     {"panic=heap-reuse", heap_reuse},
    {"panic=page-reuse", page_reuse},
#endif
};

// Faults that a program has to find (docs/testing.md, The fuzzer).
static void plant(void)
{
#if TS_DEBUG
    memory_plant_growth = boot_option_word("plant=growth");
#endif
}

void provoke(void)
{
    plant();
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (!boot_option_word(faults[i].word)) {
            continue;
        }
        faults[i].fault();
        log_error("%s: nothing noticed", faults[i].word);
    }
}
