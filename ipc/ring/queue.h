// SPDX-License-Identifier: MIT
// The two ends of a queue in shared memory (tessera/proto/queue.h): header-only, of whatever slots
// the user has. frame_queue.h is an example of a user with its own kind of slot.
//
// An end keeps its own index in private memory and reads the peer's at most once a call; the
// shared word is only published. What the peer says is accepted only within [0, entries]: beyond
// that the functions say TS_ERR_PROTOCOL and the caller ends the connection. None blocks.
//
//   producer                                       consumer
//   while (ts_queue_room() > 0)                    while (ts_queue_available() > 0)
//       fill slots[ts_queue_fill()]                    read slots[ts_queue_take()], each word once
//   if (ts_queue_publish()) signal the consumer    ts_queue_release()
//                                                  if (ts_queue_sleep()) wait, else go on
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <tessera/abi/status.h>
#include <tessera/proto/queue.h>

struct ts_queue_producer {
    struct ts_queue *queue;
    uint32_t mask;      // entries - 1
    uint32_t tail;      // next slot to fill
    uint32_t published; // tail as the consumer knows it
};

struct ts_queue_consumer {
    struct ts_queue *queue;
    uint32_t mask;
    uint32_t head;     // next slot to take
    uint32_t released; // head as the producer knows it
};

// `entries`, a power of two, is what both sides agreed on. The queue is all zero.
static inline struct ts_queue_producer ts_queue_producer(struct ts_queue *queue, uint32_t entries)
{
    return (struct ts_queue_producer){.queue = queue, .mask = entries - 1};
}

static inline struct ts_queue_consumer ts_queue_consumer(struct ts_queue *queue, uint32_t entries)
{
    return (struct ts_queue_consumer){.queue = queue, .mask = entries - 1};
}

// How many slots may be filled now: 0 to entries, or TS_ERR_PROTOCOL.
static inline int32_t ts_queue_room(const struct ts_queue_producer *p)
{
    // Acquire pairs with the release in ts_queue_release: the slot was read before it is reused.
    uint32_t used =
        p->tail - atomic_load_explicit(TS_ATOMIC(&p->queue->head), memory_order_acquire);
    return used > p->mask + 1 ? TS_ERR_PROTOCOL : (int32_t)(p->mask + 1 - used);
}

// The index of the next slot to fill; the caller knows that there is room. What is filled is seen
// after ts_queue_publish.
static inline uint32_t ts_queue_fill(struct ts_queue_producer *p)
{
    return p->tail++ & p->mask;
}

// Shows what was filled. True: the consumer sleeps and wants to be signalled.
static inline bool ts_queue_publish(struct ts_queue_producer *p)
{
    uint32_t old = p->published, new = p->tail;
    if (new == old) {
        return false;
    }
    atomic_store_explicit(TS_ATOMIC(&p->queue->tail), new, memory_order_release);
    p->published = new;
    // Pairs with the fence in ts_queue_sleep: either this load sees the consumer's wake, or the
    // consumer's second look sees this tail.
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t wake = atomic_load_explicit(TS_ATOMIC(&p->queue->wake), memory_order_relaxed);
    return (uint32_t)(new - wake - 1) < (uint32_t)(new - old);
}

// How many slots may be taken now: 0 to entries, or TS_ERR_PROTOCOL.
static inline int32_t ts_queue_available(const struct ts_queue_consumer *c)
{
    // Acquire pairs with the release in ts_queue_publish: the slots are filled.
    uint32_t ready =
        atomic_load_explicit(TS_ATOMIC(&c->queue->tail), memory_order_acquire) - c->head;
    return ready > c->mask + 1 ? TS_ERR_PROTOCOL : (int32_t)ready;
}

// The index of the next slot to take; the caller knows that there is one. A hostile peer may write
// to it until it is released and after: each word is to be read once.
static inline uint32_t ts_queue_take(struct ts_queue_consumer *c)
{
    return c->head++ & c->mask;
}

// Gives the slots that were taken back to the producer.
static inline void ts_queue_release(struct ts_queue_consumer *c)
{
    if (c->released != c->head) {
        atomic_store_explicit(TS_ATOMIC(&c->queue->head), c->head, memory_order_release);
        c->released = c->head;
    }
}

// Asks to be woken when `more` slots (at least 1) are there. False: they already are (or the peer
// broke the rules: the next ts_queue_available says so); do not wait but go on.
static inline bool ts_queue_sleep(struct ts_queue_consumer *c, uint32_t more)
{
    atomic_store_explicit(TS_ATOMIC(&c->queue->wake), c->head + more - 1, memory_order_relaxed);
    // Pairs with the fence in ts_queue_publish.
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(TS_ATOMIC(&c->queue->tail), memory_order_relaxed) - c->head < more;
}
