// SPDX-License-Identifier: MIT
// The range tree against a map of single addresses: look-ups, gaps, and the tree's own sums.
#include <mm/range_tree.h>
#include <string.h>

#include "tests/host/check.h"

#define SPACE  4096u // addresses of the model
#define RANGES 300u
#define STEPS  60000u

static struct range ranges[RANGES];
static bool used[RANGES];
static int owner[SPACE]; // index + 1, 0 = free

static int check_below(const struct range *range, uint64_t low, uint64_t high)
{
    if (range == NULL) {
        return 0;
    }
    CHECK(low <= range->start && range->start < range->end && range->end <= high);
    int left = check_below(range->left, low, range->start);
    int right = check_below(range->right, range->end, high);
    CHECK(left - right <= 1 && right - left <= 1);
    CHECK(range->height == (left > right ? left : right) + 1);
    CHECK(range->first == (range->left != NULL ? range->left->first : range->start));
    CHECK(range->last == (range->right != NULL ? range->right->last : range->end));
    uint64_t gap = 0;
    for (uint64_t at = range->first, run = 0; at < range->last; at++) {
        run = owner[at] == 0 ? run + 1 : 0;
        gap = run > gap ? run : gap;
    }
    CHECK(range->gap == gap);
    return range->height;
}

static void paint(uint64_t start, uint64_t end, int who)
{
    for (uint64_t at = start; at < end; at++) {
        owner[at] = who;
    }
}

static void insert(struct range_tree *tree, unsigned i)
{
    uint64_t start = random_below(SPACE), end = start + 1 + random_below(24);
    if (end > SPACE) {
        return;
    }
    bool taken = false;
    for (uint64_t at = start; at < end; at++) {
        taken = taken || owner[at] != 0;
    }
    CHECK(range_tree_overlaps(tree, start, end) == taken);
    if (taken) {
        return;
    }
    ranges[i].start = start;
    ranges[i].end = end;
    range_tree_insert(tree, &ranges[i]);
    paint(start, end, (int)i + 1);
    used[i] = true;
}

static void change(struct range_tree *tree, unsigned i)
{
    struct range *range = &ranges[i];
    if (range->end - range->start > 1 && random_below(2) == 0) {
        uint64_t start = range->start + random_below(range->end - range->start);
        uint64_t end = start + 1 + random_below(range->end - start);
        paint(range->start, range->end, 0);
        paint(start, end, (int)i + 1);
        range_tree_resize(tree, range, start, end);
        return;
    }
    paint(range->start, range->end, 0);
    range_tree_remove(tree, range);
    used[i] = false;
}

static void look_up(const struct range_tree *tree)
{
    uint64_t at = random_below(SPACE);
    const struct range *found = range_tree_find(tree, at);
    CHECK(found == (owner[at] ? &ranges[owner[at] - 1] : NULL));
    const struct range *after = range_tree_after(tree, at);
    while (at < SPACE && owner[at] == 0) {
        at++;
    }
    CHECK(after == (at < SPACE ? &ranges[owner[at] - 1] : NULL));
}

static void find_gap(const struct range_tree *tree)
{
    uint64_t from = random_below(SPACE), length = 1 + random_below(60);
    uint64_t limit = from + random_below(SPACE - from + 1), got = 0;
    bool found = range_tree_gap(tree, from, limit, length, &got);
    uint64_t run = 0, expected = UINT64_MAX;
    for (uint64_t at = from; at < limit && expected == UINT64_MAX; at++) {
        run = owner[at] == 0 ? run + 1 : 0;
        if (run == length) {
            expected = at + 1 - length;
        }
    }
    CHECK(found == (expected != UINT64_MAX));
    CHECK(!found || got == expected);
}

int main(void)
{
    struct range_tree tree;
    range_tree_init(&tree);
    uint64_t got;
    CHECK(range_tree_gap(&tree, 10, 20, 10, &got) && got == 10);
    CHECK(!range_tree_gap(&tree, 10, 20, 11, &got));
    CHECK(!range_tree_gap(&tree, UINT64_MAX - 2, UINT64_MAX, 3, &got));
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)random_below(RANGES);
        if (!used[i]) {
            insert(&tree, i);
        } else if ((step / 4000) % 2 == 0 ? random_below(3) == 0 : true) {
            change(&tree, i);
        }
        look_up(&tree);
        find_gap(&tree);
        if (step % 50 == 0) {
            check_below(tree.root, 0, SPACE);
        }
    }
    for (unsigned i = 0; i < RANGES; i++) {
        if (used[i]) {
            range_tree_remove(&tree, &ranges[i]);
        }
    }
    CHECK(tree.root == NULL);
    return 0;
}
