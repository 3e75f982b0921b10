// SPDX-License-Identifier: MIT
// See heap_check.h.
#include <mm/heap_check.h>

#if TS_DEBUG

#include <arch/types.h>
#include <panic.h>
#include <string.h>
#include <base/symbol.h>

#define POISON     0xa5
#define RED        0xbd
#define TAIL_RED   UINT32_C(0xbdbdbdbd)
#define STATE_LIVE UINT16_C(0x11fe)
#define STATE_DEAD UINT16_C(0xdead)

static struct heap_tail *tail_of(const void *slot, uint32_t size)
{
    return (struct heap_tail *)((uintptr_t)slot + size) - 1;
}

// Names of functions are constants of the image: nothing to free.
static const char *function(const void *address)
{
    uint64_t offset;
    const char *name = address == NULL ? NULL : symbol_find((uint64_t)address - 1, &offset);
    return name != NULL ? name : "nobody";
}

static const char *verb(const struct heap_tail *tail)
{
    return tail->state == STATE_LIVE ? "allocated" : "freed";
}

static void tail_check(const void *slot, uint32_t size)
{
    const struct heap_tail *tail = tail_of(slot, size);
    if (tail->red != TAIL_RED || (tail->state != STATE_LIVE && tail->state != STATE_DEAD) ||
        tail->asked + HEAP_RED > size) {
        panic("heap: what lies behind object %p of class %u was overwritten", slot, size);
    }
}

// The first byte of a range that is not `value`, or `end`.
static uint32_t first_other(const void *slot, uint32_t from, uint32_t end, uint8_t value)
{
    const uint8_t *bytes = slot;
    const uint64_t word = UINT64_C(0x0101010101010101) * value;
    while (from < end && (from % sizeof(word) != 0 || end - from < sizeof(word))) {
        if (bytes[from] != value) {
            return from;
        }
        from++;
    }
    while (end - from >= sizeof(word) && *(const uint64_t *)(bytes + from) == word) {
        from += sizeof(word);
    }
    while (from < end && bytes[from] == value) {
        from++;
    }
    return from;
}

void heap_slot_check(const void *slot, uint32_t size)
{
    tail_check(slot, size);
    const struct heap_tail *tail = tail_of(slot, size);
    uint32_t end = size - (uint32_t)sizeof(*tail);
    if (tail->state != STATE_LIVE) {
        return;
    }
    uint32_t at = first_other(slot, tail->asked, end, RED);
    if (at != end) {
        panic("heap: object %p of %u bytes, class %u, was overrun at %u; %s by %s", slot,
              tail->asked, size, at, verb(tail), function(tail->by));
    }
}

void heap_slot_check_poison(const void *slot, uint32_t size, uint32_t from)
{
    tail_check(slot, size);
    const struct heap_tail *tail = tail_of(slot, size);
    uint32_t end = size - (uint32_t)sizeof(*tail);
    uint32_t at = first_other(slot, from, end, POISON);
    if (at != end) {
        panic("heap: %p of class %u was changed at %u after it was freed; %s by %s", slot, size, at,
              verb(tail), function(tail->by));
    }
}

static void slot_bury(void *slot, uint32_t size, uint16_t asked, const void *by)
{
    struct heap_tail *tail = tail_of(slot, size);
    memset(slot, POISON, size - sizeof(*tail));
    *tail = (struct heap_tail){.by = by, .asked = asked, .state = STATE_DEAD, .red = TAIL_RED};
}

void heap_slot_make(void *slot, uint32_t size)
{
    slot_bury(slot, size, 0, NULL);
}

void heap_slot_begin(void *slot, uint32_t size, size_t asked, const void *by)
{
    heap_slot_check_poison(slot, size, sizeof(uint16_t));
    struct heap_tail *tail = tail_of(slot, size);
    KREQUIRE(tail->state == STATE_DEAD);
    *tail = (struct heap_tail){
        .by = by, .asked = (uint16_t)asked, .state = STATE_LIVE, .red = TAIL_RED};
    memset(slot, POISON, sizeof(uint16_t)); // the link is nobody's business
    memset((char *)slot + asked, RED, size - asked - sizeof(*tail));
}

void heap_slot_end(void *slot, uint32_t size, size_t asked, const void *by)
{
    heap_slot_check(slot, size);
    const struct heap_tail *tail = tail_of(slot, size);
    if (tail->state == STATE_DEAD) {
        panic("heap: %p of class %u is freed twice, first by %s", slot, size, function(tail->by));
    }
    if (tail->asked != asked) {
        panic("heap: %p of %u bytes is freed as if of %zu; allocated by %s", slot, tail->asked,
              asked, function(tail->by));
    }
    slot_bury(slot, size, (uint16_t)asked, by);
}

static size_t pages_end(size_t size)
{
    return (size + PAGE_MASK) & ~(size_t)PAGE_MASK;
}

void heap_large_begin(void *object, size_t size)
{
    memset((char *)object + size, RED, pages_end(size) - size);
}

void heap_large_end(const void *object, size_t size)
{
    const uint8_t *bytes = object;
    for (size_t at = size; at < pages_end(size); at++) {
        if (bytes[at] != RED) {
            panic("heap: object %p of %zu bytes was overrun at %zu", object, size, at);
        }
    }
}

#endif
