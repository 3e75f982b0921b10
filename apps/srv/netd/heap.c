// SPDX-License-Identifier: MIT
#include "heap.h"

#include <stdint.h>
#include <string.h>

#include <drivers/service/pool.h>

static size_t left = HEAP_LIMIT;
static bool was_short;

// With the header. Between the powers of two one more, so that at most a third is wasted.
#define CLASS(bytes)                                                    \
    {                                                                   \
        .size = (bytes) - sizeof(struct pool_item), .limit = UINT32_MAX \
    }

static struct pool classes[] = {
    CLASS(64),    CLASS(96),    CLASS(128),          CLASS(192),   CLASS(256),   CLASS(384),
    CLASS(512),   CLASS(768),   CLASS(1024),         CLASS(1536),  CLASS(2048),  CLASS(3072),
    CLASS(4096),  CLASS(6144),  CLASS(8192),         CLASS(12288), CLASS(16384), CLASS(24576),
    CLASS(32768), CLASS(49152), CLASS(65536 + 4096),
};
#define CLASSES (sizeof(classes) / sizeof(classes[0]))

void heap_start(struct ts_loop *loop)
{
    for (unsigned i = 0; i < CLASSES; i++) {
        classes[i].left = &left;
    }
    pool_start(loop);
}

// The classes of small pieces, which most are, by their size in units.
#define UNIT       32u
#define SMALL_MOST 2048u

static const uint8_t small_classes[SMALL_MOST / UNIT + 1] = {
    [0 ... 2] = 0,   [3] = 1,         [4] = 2,          [5 ... 6] = 3,
    [7 ... 8] = 4,   [9 ... 12] = 5,  [13 ... 16] = 6,  [17 ... 24] = 7,
    [25 ... 32] = 8, [33 ... 48] = 9, [49 ... 64] = 10,
};

static size_t class_bytes(const struct pool *class)
{
    return class->size + sizeof(struct pool_item);
}

// The smallest class that holds so much; of a large one by the position of the size's highest bits.
// The last class is larger than its row. NULL: none does.
static struct pool *class_of(size_t size)
{
    if (size <= SMALL_MOST) {
        return &classes[small_classes[(size + UNIT - 1) / UNIT]];
    }
    if (size > class_bytes(&classes[CLASSES - 2])) {
        return size <= class_bytes(&classes[CLASSES - 1]) ? &classes[CLASSES - 1] : NULL;
    }
    unsigned power = 63 - (unsigned)__builtin_clzl(size - 1); // 2^power < size <= 2^(power + 1)
    return &classes[2 * (power - 6) + 1 + (size > (size_t)3 << (power - 1))];
}

void *heap_allocate(size_t size)
{
    struct pool *class = size < SIZE_MAX / 2 ? class_of(size + sizeof(struct pool_item)) : NULL;
    if (class == NULL) {
        return NULL;
    }
    void *memory = pool_take(class);
    was_short |= memory == NULL;
    return memory;
}

void *heap_allocate_zeroed(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *memory = heap_allocate(count * size);
    if (memory != NULL) {
        memset(memory, 0, count * size);
    }
    return memory;
}

void heap_free(void *memory)
{
    if (memory != NULL) {
        pool_give(pool_arena_of(memory)->pool, memory);
    }
}

bool heap_was_short(void)
{
    bool was = was_short;
    was_short = false;
    return was;
}

size_t heap_size(const void *memory)
{
    return class_bytes(pool_arena_of(memory)->pool);
}

size_t heap_used(void)
{
    size_t used = 0;
    for (unsigned i = 0; i < CLASSES; i++) {
        used += classes[i].used * class_bytes(&classes[i]);
    }
    return used;
}
