// SPDX-License-Identifier: MIT
// Intrusive doubly linked lists. A node that is in no list points to itself.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void list_push_back(struct list *list, struct list *node)
{
    list_insert_between(node, list->prev, list);
}

static inline void list_push_front(struct list *list, struct list *node)
{
    list_insert_between(node, list, list->next);
}

// The node, which points where it pointed, is to be put into another list.
static inline void list_take_out(struct list *node)
{
    struct list *prev = node->prev, *next = node->next;
    prev->next = next;
    next->prev = prev;
}

static inline void list_remove(struct list *node)
{
    list_take_out(node);
    list_init(node);
}

// The first node, taken out, or NULL.
static inline struct list *list_pop_front(struct list *list)
{
    if (list_empty(list)) {
        return NULL;
    }
    struct list *node = list->next;
    list_remove(node);
    return node;
}

// Appends all of `from` to `to`; `from` is empty afterwards.
static inline void list_splice_back(struct list *to, struct list *from)
{
    if (list_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_for_each(node, head) \
    for (struct list *node = (head)->next; node != (head); node = node->next)
