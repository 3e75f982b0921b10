// SPDX-License-Identifier: MIT
// netd's heap: every size is held in full, pieces do not overlap, what is freed is used again.
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#include <tessera/lib/memory.h>

#include "tests/host/check.h"

#define LARGEST (65536u + 4096u - 16u)
#define PIECES  400u

static size_t from_system;

static bool exhausted; // the job has no more pages

ts_status_t ts_memory_allocate_now(size_t size, void **out_address)
{
    if (exhausted)
        return TS_ERR_LIMIT;
    *out_address = malloc(size); // the sanitizer sees what is written beyond an arena
    from_system += size;
    return TS_OK;
}

// What is at the border of a piece is kept while all others are written.
static void test_sizes(void)
{
    static unsigned char *pieces[PIECES];
    static size_t sizes[PIECES];
    for (unsigned i = 0; i < PIECES; i++) {
        sizes[i] = i < 200 ? i : (i * 7919u) % LARGEST + 1;
        pieces[i] = heap_allocate(sizes[i]);
        CHECK(pieces[i] != NULL && (size_t)pieces[i] % 16 == 0);
        memset(pieces[i], (int)(i % 251), sizes[i]);
    }
    for (unsigned i = 0; i < PIECES; i++) {
        for (size_t at = 0; at < sizes[i]; at++) {
            if (pieces[i][at] != i % 251) {
                CHECK(!"a piece is its owner's alone");
                break;
            }
        }
        heap_free(pieces[i]);
    }
    CHECK(heap_used() == 0);
}

static void test_borders(void)
{
    // Around each size at which the class changes, the largest one with it.
    static const size_t borders[] = {48,   80,    112,   176,   240,   368,   496,
                                     752,  1008,  1520,  2032,  3056,  4080,  6128,
                                     8176, 12272, 16368, 24560, 32752, 49136, LARGEST};
    for (unsigned i = 0; i < sizeof(borders) / sizeof(borders[0]); i++) {
        for (size_t size = borders[i] - 1; size <= borders[i] + 1 && size <= LARGEST; size++) {
            unsigned char *piece = heap_allocate_zeroed(1, size), *next = heap_allocate(size);
            CHECK(piece != NULL && next != NULL && piece[0] == 0 && piece[size - 1] == 0);
            memset(next, 1, size);
            memset(piece, 2, size);
            CHECK(next[0] == 1 && next[size - 1] == 1);
            heap_free(piece);
            heap_free(next);
        }
    }
    CHECK(heap_allocate(LARGEST + 1) == NULL && heap_allocate(SIZE_MAX) == NULL);
    CHECK(heap_allocate_zeroed(SIZE_MAX / 2, 3) == NULL);
}

static void test_reuse(void)
{
    for (unsigned round = 0; round < 3; round++) {
        size_t before = from_system;
        for (unsigned i = 0; i < 100000; i++)
            heap_free(heap_allocate(i % 3000));
        CHECK(round == 0 || from_system == before);
    }
    CHECK(heap_used() == 0);
}

static void test_limit(void)
{
    size_t before = from_system;
    void *all = NULL;
    void **piece;
    exhausted = true;
    while ((piece = heap_allocate(60000)) != NULL) { // what is there already
        *piece = all;
        all = piece;
    }
    CHECK(from_system == before);
    exhausted = false;
    while ((piece = heap_allocate(60000)) != NULL) {
        *piece = all;
        all = piece;
    }
    CHECK(from_system <= HEAP_LIMIT && heap_used() > HEAP_LIMIT / 2);
    while (all != NULL) {
        void *next = *(void **)all;
        heap_free(all);
        all = next;
    }
    CHECK(heap_used() == 0);
}

int main(void)
{
    test_sizes();
    test_borders();
    test_reuse();
    test_limit();
    return 0;
}
