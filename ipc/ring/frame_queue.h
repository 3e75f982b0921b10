// SPDX-License-Identifier: MIT
// The two ends of a frame ring (tessera/proto/frame.h): header-only, used by clients and drivers.
//
// An end keeps its own index in private memory and reads the peer's at most once a call; the
// shared word is only published. What the peer says is believed only within [0, entries]: beyond
// that the functions say TS_ERR_PROTOCOL and the caller ends the connection. None blocks.
//
//   producer                               consumer
//   while (room > 0) put                   while (available > 0) take
//   if (publish) signal the peer           release
//                                          if (sleep) wait for the event, else go on
#pragma once

#include <stdbool.h>
#include <tessera/abi/status.h>
#include <tessera/proto/frame.h>

struct ts_frame_producer {
    struct ts_frame_ring *ring;
    struct ts_frame_slot *slots;
    uint32_t mask;
    uint32_t tail;      // next slot to fill
    uint32_t published; // tail as the consumer knows it
};

struct ts_frame_consumer {
    struct ts_frame_ring *ring;
    const struct ts_frame_slot *slots;
    uint32_t mask;
    uint32_t head;     // next slot to take
    uint32_t released; // head as the producer knows it
};

// How many slots may be put now: 0 to entries, or TS_ERR_PROTOCOL.
static inline int32_t ts_frame_room(const struct ts_frame_producer *p)
{
    // Acquire pairs with the release in ts_frame_release: the slot was read before it is reused.
    uint32_t used = p->tail - __atomic_load_n(&p->ring->head, __ATOMIC_ACQUIRE);
    return used > p->mask + 1 ? TS_ERR_PROTOCOL : (int32_t)(p->mask + 1 - used);
}

// Fills the next slot; the caller knows that there is room. Seen after ts_frame_publish.
static inline void ts_frame_put(struct ts_frame_producer *p, const struct ts_frame_slot *slot)
{
    p->slots[p->tail++ & p->mask] = *slot;
}

// Shows what was put. True: the consumer sleeps and wants its event signalled.
static inline bool ts_frame_publish(struct ts_frame_producer *p)
{
    uint32_t old = p->published, new = p->tail;
    if (new == old) {
        return false;
    }
    __atomic_store_n(&p->ring->tail, new, __ATOMIC_RELEASE);
    p->published = new;
    // Pairs with the fence in ts_frame_sleep: either this load sees the consumer's wake, or the
    // consumer's second look sees this tail.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t wake = __atomic_load_n(&p->ring->wake, __ATOMIC_RELAXED);
    return (uint32_t)(new - wake - 1) < (uint32_t)(new - old);
}

// How many slots may be taken now: 0 to entries, or TS_ERR_PROTOCOL.
static inline int32_t ts_frame_available(const struct ts_frame_consumer *c)
{
    // Acquire pairs with the release in ts_frame_publish: the slots are filled.
    uint32_t ready = __atomic_load_n(&c->ring->tail, __ATOMIC_ACQUIRE) - c->head;
    return ready > c->mask + 1 ? TS_ERR_PROTOCOL : (int32_t)ready;
}

// Copies the next slot, reading each word of it once; the caller knows that there is one.
static inline void ts_frame_take(struct ts_frame_consumer *c, struct ts_frame_slot *out_slot)
{
    union {
        uint64_t word[2];
        struct ts_frame_slot slot;
    } copy;
    const uint64_t *from = (const uint64_t *)&c->slots[c->head++ & c->mask];
    copy.word[0] = __atomic_load_n(&from[0], __ATOMIC_RELAXED);
    copy.word[1] = __atomic_load_n(&from[1], __ATOMIC_RELAXED);
    *out_slot = copy.slot;
}

// Gives the slots that were taken back to the producer.
static inline void ts_frame_release(struct ts_frame_consumer *c)
{
    if (c->released != c->head) {
        __atomic_store_n(&c->ring->head, c->head, __ATOMIC_RELEASE);
        c->released = c->head;
    }
}

// Asks to be woken when `more` slots (at least 1) are there. False: they already are (or the peer
// broke the rules: the next ts_frame_available says so); do not wait but go on.
static inline bool ts_frame_sleep(struct ts_frame_consumer *c, uint32_t more)
{
    __atomic_store_n(&c->ring->wake, c->head + more - 1, __ATOMIC_RELAXED);
    // Pairs with the fence in ts_frame_publish.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&c->ring->tail, __ATOMIC_RELAXED) - c->head < more;
}

// All four rings of one side. The client produces rx_fill and tx_send, the driver the done rings.
struct ts_frame_client {
    struct ts_frame_producer rx_fill, tx_send;
    struct ts_frame_consumer rx_done, tx_done;
};

struct ts_frame_driver {
    struct ts_frame_consumer rx_fill, tx_send;
    struct ts_frame_producer rx_done, tx_done;
};

static inline struct ts_frame_slot *ts_frame_slots(void *memory, uint32_t first)
{
    return (struct ts_frame_slot *)((uint8_t *)memory + TS_FRAME_SLOTS) + first;
}

static inline struct ts_frame_producer ts_frame_producer(struct ts_frame_ring *ring,
                                                         struct ts_frame_slot *slots,
                                                         uint32_t entries)
{
    return (struct ts_frame_producer){.ring = ring, .slots = slots, .mask = entries - 1};
}

static inline struct ts_frame_consumer ts_frame_consumer(struct ts_frame_ring *ring,
                                                         const struct ts_frame_slot *slots,
                                                         uint32_t entries)
{
    return (struct ts_frame_consumer){.ring = ring, .slots = slots, .mask = entries - 1};
}

// Zeroes the control area of `memory` (mapped, at least ts_frame_data_start bytes) and starts the
// client's ends. Before the first attach and before each further one.
static inline void ts_frame_client_init(struct ts_frame_client *c, void *memory,
                                        uint32_t rx_entries, uint32_t tx_entries)
{
    struct ts_frame_control *control = memory;
    *control = (struct ts_frame_control){0};
    c->rx_fill = ts_frame_producer(&control->rx_fill, ts_frame_slots(memory, 0), rx_entries);
    c->rx_done =
        ts_frame_consumer(&control->rx_done, ts_frame_slots(memory, rx_entries), rx_entries);
    c->tx_send =
        ts_frame_producer(&control->tx_send, ts_frame_slots(memory, 2 * rx_entries), tx_entries);
    c->tx_done = ts_frame_consumer(&control->tx_done,
                                   ts_frame_slots(memory, 2 * rx_entries + tx_entries), tx_entries);
}

// Starts the driver's ends, at attach. Reads nothing.
static inline void ts_frame_driver_init(struct ts_frame_driver *d, void *memory,
                                        uint32_t rx_entries, uint32_t tx_entries)
{
    struct ts_frame_control *control = memory;
    d->rx_fill = ts_frame_consumer(&control->rx_fill, ts_frame_slots(memory, 0), rx_entries);
    d->rx_done =
        ts_frame_producer(&control->rx_done, ts_frame_slots(memory, rx_entries), rx_entries);
    d->tx_send =
        ts_frame_consumer(&control->tx_send, ts_frame_slots(memory, 2 * rx_entries), tx_entries);
    d->tx_done = ts_frame_producer(&control->tx_done,
                                   ts_frame_slots(memory, 2 * rx_entries + tx_entries), tx_entries);
}
