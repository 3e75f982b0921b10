// SPDX-License-Identifier: MIT
// netd's heap: every size is held in full, pieces do not overlap, what is freed is used again or
// given back.
#include "heap.h"

#include <string.h>

#include "pool_memory.h"
#include "tests/host/check.h"

#define LARGEST (65536u + 4096u - 16u)
#define PIECES  400u

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
        size_t before = pool_mapped;
        for (unsigned i = 0; i < 100000; i++) {
            heap_free(heap_allocate(i % 3000));
        }
        CHECK(round == 0 || pool_mapped == before);
    }
    CHECK(heap_used() == 0);
}

static void test_limit(void)
{
    size_t before = pool_mapped;
    void *all = NULL;
    void **piece;
    pool_exhausted = true;
    while ((piece = heap_allocate(60000)) != NULL) { // what is there already
        *piece = all;
        all = piece;
    }
    CHECK(pool_mapped <= before); // (what was empty made room)
    pool_exhausted = false;
    while ((piece = heap_allocate(60000)) != NULL) {
        *piece = all;
        all = piece;
    }
    CHECK(pool_mapped <= HEAP_LIMIT && heap_used() > HEAP_LIMIT / 2);
    while (all != NULL) {
        void *next = *(void **)all;
        heap_free(all);
        all = next;
    }
    CHECK(heap_used() == 0);
}

// 3,000 connections come, each with what it is made of, and go, but for some that stay.
static void test_peak_is_given_back(void)
{
    static const size_t sizes[] = {752, 400, 1500, 48, 24};
    static void *pieces[3000][5];
    pool_pass(10 * TS_SECOND);
    size_t idle = pool_mapped;
    for (unsigned i = 0; i < 3000; i++) {
        for (unsigned j = 0; j < 5; j++) {
            CHECK((pieces[i][j] = heap_allocate(sizes[j])) != NULL);
        }
    }
    CHECK(pool_mapped > idle + (8u << 20));
    for (unsigned i = 0; i < 3000; i++) {
        for (unsigned j = 0; j < 5 && i % 1000 != 7; j++) {
            heap_free(pieces[i][j]);
        }
    }
    for (unsigned i = 0; i < 50; i++) { // others come and go meanwhile
        for (unsigned j = 0; j < 5; j++) {
            heap_free(heap_allocate(sizes[j]));
        }
        pool_pass(TS_SECOND / 10);
    }
    CHECK(pool_mapped <= idle + (1u << 20));
    for (unsigned i = 7; i < 3000; i += 1000) {
        for (unsigned j = 0; j < 5; j++) {
            heap_free(pieces[i][j]);
        }
    }
    pool_pass(10 * TS_SECOND);
    CHECK(pool_mapped <= idle + 5 * (64u << 10) && heap_used() == 0);
}

int main(void)
{
    heap_start(&pool_loop);
    test_sizes();
    test_borders();
    test_reuse();
    test_limit();
    test_peak_is_given_back();
    return 0;
}
