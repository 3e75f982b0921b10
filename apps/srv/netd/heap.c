// SPDX-License-Identifier: MIT
#include "heap.h"

#include <stdint.h>
#include <string.h>

#include <tessera/lib/memory.h>

// Before each piece; `next` is used while it is free.
struct piece {
    uint32_t class;
    uint32_t reserved;
    struct piece *next;
};
_Static_assert(sizeof(struct piece) == 16, "pieces keep the alignment");

#define ARENA_SIZE (256u << 10)

// With the header. Between the powers of two one more, so that at most a third is wasted.
static const uint32_t class_sizes[] = {
    64,   96,   128,  192,  256,   384,   512,   768,   1024,  1536,         2048,
    3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536 + 4096,
};
#define CLASSES (sizeof(class_sizes) / sizeof(class_sizes[0]))

static struct piece *free_lists[CLASSES];
static char *arena, *arena_end;
static size_t reserved_bytes, used_bytes;
static bool was_short;

// The classes of small pieces, which most are, by their size in units.
#define UNIT       32u
#define SMALL_MOST 2048u

static const uint8_t small_classes[SMALL_MOST / UNIT + 1] = {
    [0 ... 2] = 0,   [3] = 1,         [4] = 2,          [5 ... 6] = 3,
    [7 ... 8] = 4,   [9 ... 12] = 5,  [13 ... 16] = 6,  [17 ... 24] = 7,
    [25 ... 32] = 8, [33 ... 48] = 9, [49 ... 64] = 10,
};

// The smallest class that holds so much; of a large one by the position of the size's highest bits.
// The last class is larger than its row.
static size_t class_of(size_t size)
{
    if (size <= SMALL_MOST)
        return small_classes[(size + UNIT - 1) / UNIT];
    if (size > class_sizes[CLASSES - 2])
        return CLASSES - 1;
    unsigned power = 63 - (unsigned)__builtin_clzl(size - 1); // 2^power < size <= 2^(power + 1)
    return 2 * (power - 6) + 1 + (size > (size_t)3 << (power - 1));
}

// What is left of the old arena becomes pieces of the largest classes that fit.
static void retire_arena(void)
{
    for (size_t class = CLASSES; class -- > 0;) {
        while ((size_t)(arena_end - arena) >= class_sizes[class]) {
            struct piece *piece = (struct piece *)(void *)arena;
            *piece = (struct piece){.class = (uint32_t) class, .next = free_lists[class]};
            free_lists[class] = piece;
            arena += class_sizes[class];
        }
    }
}

static struct piece *carve(size_t class)
{
    if ((size_t)(arena_end - arena) < class_sizes[class]) {
        void *fresh;
        // With all its pages: the job's limit is met here, never at a touch.
        if (reserved_bytes + ARENA_SIZE > HEAP_LIMIT ||
            ts_memory_allocate_now(ARENA_SIZE, &fresh) != TS_OK) {
            was_short = true;
            return NULL;
        }
        retire_arena();
        reserved_bytes += ARENA_SIZE;
        arena = fresh;
        arena_end = arena + ARENA_SIZE;
    }
    struct piece *piece = (struct piece *)(void *)arena;
    arena += class_sizes[class];
    piece->class = (uint32_t) class;
    return piece;
}

void *heap_allocate(size_t size)
{
    if (size > class_sizes[CLASSES - 1] - sizeof(struct piece))
        return NULL;
    size_t class = class_of(size + sizeof(struct piece));
    struct piece *piece = free_lists[class];
    if (piece != NULL)
        free_lists[class] = piece->next;
    else
        piece = carve(class);
    if (piece == NULL)
        return NULL;
    used_bytes += class_sizes[class];
    return piece + 1;
}

void *heap_allocate_zeroed(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    void *memory = heap_allocate(count * size);
    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

void heap_free(void *memory)
{
    if (memory == NULL)
        return;
    struct piece *piece = (struct piece *)memory - 1;
    used_bytes -= class_sizes[piece->class];
    piece->next = free_lists[piece->class];
    free_lists[piece->class] = piece;
}

bool heap_was_short(void)
{
    bool was = was_short;
    was_short = false;
    return was;
}

size_t heap_size(const void *memory)
{
    return class_sizes[((const struct piece *)memory - 1)->class];
}

size_t heap_used(void)
{
    return used_bytes;
}
