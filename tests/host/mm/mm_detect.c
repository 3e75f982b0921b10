// SPDX-License-Identifier: MIT
// What the debug kernel's heap and frames notice, byte by byte: each fault is made by a child of
// the test, which has to end by a panic. And that heap pages are as many as their price says.
#include "world.h"

#include <mm/heap.h>
#include <mm/heap_check.h>
#include <mm/page.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/check.h"

static size_t size, at; // of the object, and where the fault is

// Whether the child ends by a panic; it ends well when nothing was noticed.
static bool panics(void (*fault)(void))
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        fault();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void write_behind(void)
{
    volatile uint8_t *object = heap_alloc(size);
    object[at] ^= 0x10;
    heap_free((void *)object, size);
}

static void write_freed(void)
{
    volatile uint8_t *object = heap_alloc(size);
    heap_free((void *)object, size);
    object[at] ^= 0x10;
    // What is freed is held back for a while, and looked at when it is used again.
    for (unsigned i = 0; i < 4000; i++) {
        heap_free(heap_alloc(size), size);
    }
    void *objects[512];
    for (unsigned i = 0; i < 512; i++) {
        objects[i] = heap_alloc(size);
    }
    for (unsigned i = 0; i < 512; i++) {
        heap_free(objects[i], size);
    }
}

static void free_twice(void)
{
    void *object = heap_alloc(size);
    heap_free(object, size);
    heap_free(object, size);
}

static void free_as_another(void)
{
    heap_free(heap_alloc(size), size + 1);
}

static void nothing_wrong(void)
{
    at = 0;
    uint8_t *object = heap_alloc(size);
    memset(object, 0, size);
    heap_free(object, size);
    heap_check();
}

static void test_small(void)
{
    static const size_t sizes[] = {1, 7, 8, 15, 16, 33, 100, 1000};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        size = sizes[i];
        CHECK(!panics(nothing_wrong));
        CHECK(panics(free_twice) && panics(free_as_another));
        // At least eight red bytes, and the record behind them.
        for (at = size; at < size + 8; at++) {
            CHECK(panics(write_behind));
        }
        for (at = 2; at < size; at += 1 + size / 16) {
            CHECK(panics(write_freed));
        }
        at = size > 2 ? size - 1 : 2;
        CHECK(panics(write_freed));
    }
}

static void test_large(void)
{
    static const size_t sizes[] = {4095, 8191, 5000, 60001};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        size = sizes[i];
        CHECK(!panics(nothing_wrong));
        at = size;
        CHECK(panics(write_behind));
        at = (size | PAGE_MASK) - (size % PAGE_SIZE == 0); // the page's last byte
        CHECK(at < size || panics(write_behind));
    }
}

static void write_freed_frame(void)
{
    struct page *page;
    CHECK(page_alloc(0, &page) == TS_OK);
    uint8_t *bytes = page_pointer(page);
    memset(bytes, 7, PAGE_SIZE);
    page_put(page);
    if (at < PAGE_SIZE) {
        bytes[at] ^= 1;
    }
    while (page_alloc(0, &page) == TS_OK) {
        ;
    }
}

static void test_frames(void)
{
    at = PAGE_SIZE;
    CHECK(!panics(write_freed_frame));
    for (at = 0; at < 64; at += 9) {
        CHECK(panics(write_freed_frame));
    }
    for (at = PAGE_SIZE - 64; at < PAGE_SIZE; at += 9) {
        CHECK(panics(write_freed_frame));
    }
}

// Large objects take the pages that they are as long as, and give them all back.
static void test_pages(void)
{
    static const size_t sizes[] = {HEAP_SMALL_MAX + 1, PAGE_SIZE,          PAGE_SIZE + 1,
                                   2 * PAGE_SIZE,      16 * PAGE_SIZE - 1, 16 * PAGE_SIZE};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        uint64_t before = heap_pages(), free = world_pages_free();
        void *object = heap_alloc(sizes[i]);
        uint64_t pages = (sizes[i] + PAGE_SIZE - 1) / PAGE_SIZE;
        CHECK(object != NULL && heap_pages() == before + pages);
        CHECK(world_pages_free() == free - pages);
        CHECK(heap_price(sizes[i]) >= pages * PAGE_SIZE);
        heap_free(object, sizes[i]);
        CHECK(heap_pages() == before && world_pages_free() == free);
    }
}

// An object whose size with its red bytes is a class's lies in that class: as many are in a page as
// there is room for.
static void test_exact_sizes(void)
{
    static const size_t slots[] = {48, 64, 96, 128, 256, 512, 1024};
    static void *objects[10 * PAGE_SIZE / 48];
    for (unsigned i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
        size_t exact = slots[i] - HEAP_RED, per_page = PAGE_SIZE / slots[i];
        uint64_t pages = heap_pages();
        for (size_t j = 0; j < 10 * per_page; j++) {
            CHECK((objects[j] = heap_alloc(exact)) != NULL);
        }
        CHECK(heap_pages() <= pages + 10);
        for (size_t j = 0; j < 10 * per_page; j++) {
            heap_free(objects[j], exact);
        }
        CHECK(heap_price(exact) >= PAGE_SIZE / per_page);
    }
}

// The record behind the red bytes may begin with any byte: it is where they end nevertheless.
static void test_any_caller(void)
{
    static _Alignas(64) uint8_t slot[64];
    for (uintptr_t by = 0; by < 256; by++) {
        heap_slot_make(slot, sizeof(slot));
        heap_slot_begin(slot, sizeof(slot), 10, (const void *)by);
        heap_slot_check(slot, sizeof(slot));
        heap_slot_end(slot, sizeof(slot), 10, (const void *)by);
        heap_slot_check_poison(slot, sizeof(slot), 0);
    }
}

int main(void)
{
    world_start();
    test_exact_sizes();
    test_any_caller();
    test_pages();
    test_small();
    test_large();
    test_frames();
    return 0;
}
