// SPDX-License-Identifier: MIT
// The loop's timers: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986), threaded through
// the timers themselves. Arming is O(1), the first is at hand, taking it out is O(log n) amortised;
// so a connection may re-arm its time-out with each request.
//
// `child` is a timer's first child, `sibling` the next child of the same parent, `previous` the
// sibling before it or, for a first child, the parent. The root has neither.
#include <tessera/lib/loop.h>

static struct ts_timer *meld(struct ts_timer *a, struct ts_timer *b)
{
    if (a == NULL || b == NULL) {
        return a != NULL ? a : b;
    }
    if (b->deadline < a->deadline) {
        struct ts_timer *swap = a;
        a = b;
        b = swap;
    }
    b->sibling = a->child;
    if (b->sibling != NULL) {
        b->sibling->previous = b;
    }
    b->previous = a;
    a->child = b;
    return a;
}

// Melds a list of siblings, in pairs from the left, then what that gave from the right.
static struct ts_timer *meld_siblings(struct ts_timer *first)
{
    struct ts_timer *pairs = NULL;
    while (first != NULL) {
        struct ts_timer *a = first, *b = a->sibling;
        first = b != NULL ? b->sibling : NULL;
        a->sibling = a->previous = NULL;
        if (b != NULL) {
            b->sibling = b->previous = NULL;
        }
        struct ts_timer *pair = meld(a, b);
        pair->sibling = pairs;
        pairs = pair;
    }
    struct ts_timer *root = NULL;
    while (pairs != NULL) {
        struct ts_timer *next = pairs->sibling;
        pairs->sibling = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void cut(struct ts_timer *timer)
{
    if (timer->previous->child == timer) {
        timer->previous->child = timer->sibling;
    } else {
        timer->previous->sibling = timer->sibling;
    }
    if (timer->sibling != NULL) {
        timer->sibling->previous = timer->previous;
    }
    timer->sibling = timer->previous = NULL;
}

void ts_timer_disarm(struct ts_loop *loop, struct ts_timer *timer)
{
    if (!timer->armed) {
        return;
    }
    struct ts_timer *rest = meld_siblings(timer->child);
    if (timer == loop->timers) {
        loop->timers = rest;
    } else {
        cut(timer);
        loop->timers = meld(loop->timers, rest);
    }
    timer->child = NULL;
    timer->armed = false;
}

void ts_timer_arm(struct ts_loop *loop, struct ts_timer *timer, ts_time_t deadline)
{
    ts_timer_disarm(loop, timer);
    timer->deadline = deadline;
    timer->child = timer->sibling = timer->previous = NULL;
    timer->armed = true;
    loop->timers = meld(loop->timers, timer);
}
