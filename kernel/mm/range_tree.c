// SPDX-License-Identifier: MIT
// See range_tree.h. Every change goes down from the root by recursion (depth 1.44 log2 n, 24 for
// the most ranges that a space may have) and renews balance and sums on its way up.
#include <mm/range_tree.h>

static int height_of(const struct range *range)
{
    return range != NULL ? range->height : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void range_renew(struct range *range)
{
    const struct range *left = range->left, *right = range->right;
    int lower = height_of(left), upper = height_of(right);
    range->height = (lower > upper ? lower : upper) + 1;
    range->first = left != NULL ? left->first : range->start;
    range->last = right != NULL ? right->last : range->end;
    range->gap = 0;
    if (left != NULL) {
        range->gap = larger(left->gap, range->start - left->last);
    }
    if (right != NULL) {
        range->gap = larger(range->gap, larger(right->gap, right->first - range->end));
    }
}

static struct range *rotate_right(struct range *range)
{
    struct range *top = range->left;
    range->left = top->right;
    top->right = range;
    range_renew(range);
    range_renew(top);
    return top;
}

static struct range *rotate_left(struct range *range)
{
    struct range *top = range->right;
    range->right = top->left;
    top->left = range;
    range_renew(range);
    range_renew(top);
    return top;
}

static struct range *range_balance(struct range *range)
{
    int lean = height_of(range->left) - height_of(range->right);
    if (lean > 1) {
        if (height_of(range->left->left) < height_of(range->left->right)) {
            range->left = rotate_left(range->left);
        }
        return rotate_right(range);
    }
    if (lean < -1) {
        if (height_of(range->right->right) < height_of(range->right->left)) {
            range->right = rotate_right(range->right);
        }
        return rotate_left(range);
    }
    range_renew(range);
    return range;
}

static struct range *insert_below(struct range *top, struct range *range)
{
    if (top == NULL) {
        range->left = range->right = NULL;
        range_renew(range);
        return range;
    }
    if (range->start < top->start) {
        top->left = insert_below(top->left, range);
    } else {
        top->right = insert_below(top->right, range);
    }
    return range_balance(top);
}

void range_tree_insert(struct range_tree *tree, struct range *range)
{
    tree->root = insert_below(tree->root, range);
}

static struct range *remove_first(struct range *top, struct range **out_first)
{
    if (top->left == NULL) {
        *out_first = top;
        return top->right;
    }
    top->left = remove_first(top->left, out_first);
    return range_balance(top);
}

static struct range *remove_below(struct range *top, struct range *range)
{
    if (top == range) {
        if (range->right == NULL) {
            return range->left;
        }
        struct range *next;
        struct range *right = remove_first(range->right, &next);
        next->left = range->left;
        next->right = right;
        return range_balance(next);
    }
    if (range->start < top->start) {
        top->left = remove_below(top->left, range);
    } else {
        top->right = remove_below(top->right, range);
    }
    return range_balance(top);
}

void range_tree_remove(struct range_tree *tree, struct range *range)
{
    tree->root = remove_below(tree->root, range);
}

static void renew_path(struct range *top, const struct range *range)
{
    if (top != range) {
        renew_path(range->start < top->start ? top->left : top->right, range);
    }
    range_renew(top);
}

void range_tree_resize(struct range_tree *tree, struct range *range, uint64_t start, uint64_t end)
{
    // Its place in the order stays: it grows into a gap or shrinks.
    range->start = start;
    range->end = end;
    renew_path(tree->root, range);
}

struct range *range_tree_after(const struct range_tree *tree, uint64_t address)
{
    struct range *best = NULL;
    for (struct range *at = tree->root; at != NULL;) {
        if (at->end > address) {
            best = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return best;
}

struct range *range_tree_find(const struct range_tree *tree, uint64_t address)
{
    struct range *at = tree->root;
    while (at != NULL && (address < at->start || address >= at->end)) {
        at = address < at->start ? at->left : at->right;
    }
    return at;
}

bool range_tree_overlaps(const struct range_tree *tree, uint64_t start, uint64_t end)
{
    const struct range *range = range_tree_after(tree, start);
    return range != NULL && range->start < end;
}

// The lowest hole of `length` at or after `from` that lies before the end of this subtree, between
// two of its ranges. One descent: only the subtrees that `from` cuts are entered in vain.
static bool gap_below(const struct range *range, uint64_t from, uint64_t length,
                      uint64_t *out_address)
{
    if (range == NULL || range->gap < length || range->last <= from) {
        return false;
    }
    if (gap_below(range->left, from, length, out_address)) {
        return true;
    }
    if (range->left != NULL && range->start > from) {
        uint64_t start = larger(range->left->last, from);
        if (range->start - start >= length) {
            *out_address = start;
            return true;
        }
    }
    if (range->right != NULL && range->right->first > from) {
        uint64_t start = larger(range->end, from);
        if (range->right->first - start >= length) {
            *out_address = start;
            return true;
        }
    }
    return gap_below(range->right, from, length, out_address);
}

bool range_tree_gap(const struct range_tree *tree, uint64_t from, uint64_t limit, uint64_t length,
                    uint64_t *out_address)
{
    const struct range *root = tree->root;
    uint64_t start = from;
    if (root != NULL && (root->first <= from || root->first - from < length)) {
        if (!gap_below(root, from, length, &start)) {
            start = larger(root->last, from);
        }
    }
    if (start > limit || limit - start < length) {
        return false;
    }
    *out_address = start;
    return true;
}
