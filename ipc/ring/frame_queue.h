// SPDX-License-Identifier: MIT
// The two ends of a frame ring (tessera/proto/frame.h): those of any queue (queue.h) with slots of
// frames. Used by clients and drivers.
//
//   producer                               consumer
//   while (room > 0) put                   while (available > 0) take
//   if (publish) signal the peer           release
//                                          if (sleep) wait for the event, else go on
#pragma once

#include <stdatomic.h>
#include <tessera/proto/frame.h>
#include <tessera/ring/queue.h>

struct ts_frame_producer {
    struct ts_queue_producer queue;
    struct ts_frame_slot *slots;
};

struct ts_frame_consumer {
    struct ts_queue_consumer queue;
    const struct ts_frame_slot *slots;
};

// How many slots may be put now: 0 to entries, or TS_ERR_PROTOCOL.
static inline int32_t ts_frame_room(const struct ts_frame_producer *p)
{
    return ts_queue_room(&p->queue);
}

// Fills the next slot; the caller knows that there is room. Seen after ts_frame_publish.
static inline void ts_frame_put(struct ts_frame_producer *p, const struct ts_frame_slot *slot)
{
    p->slots[ts_queue_fill(&p->queue)] = *slot;
}

// Shows what was put. True: the consumer sleeps and wants its event signalled.
static inline bool ts_frame_publish(struct ts_frame_producer *p)
{
    return ts_queue_publish(&p->queue);
}

// How many slots may be taken now: 0 to entries, or TS_ERR_PROTOCOL.
static inline int32_t ts_frame_available(const struct ts_frame_consumer *c)
{
    return ts_queue_available(&c->queue);
}

// Copies the next slot, reading each word of it once; the caller knows that there is one.
static inline void ts_frame_take(struct ts_frame_consumer *c, struct ts_frame_slot *out_slot)
{
    union {
        uint64_t word[2];
        struct ts_frame_slot slot;
    } copy;
    const uint64_t *from = (const uint64_t *)&c->slots[ts_queue_take(&c->queue)];
    copy.word[0] = atomic_load_explicit(TS_ATOMIC(&from[0]), memory_order_relaxed);
    copy.word[1] = atomic_load_explicit(TS_ATOMIC(&from[1]), memory_order_relaxed);
    *out_slot = copy.slot;
}

// Gives the slots that were taken back to the producer.
static inline void ts_frame_release(struct ts_frame_consumer *c)
{
    ts_queue_release(&c->queue);
}

// Asks to be woken when `more` slots (at least 1) are there. False: do not wait but go on.
static inline bool ts_frame_sleep(struct ts_frame_consumer *c, uint32_t more)
{
    return ts_queue_sleep(&c->queue, more);
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

static inline struct ts_frame_producer ts_frame_producer(struct ts_queue *queue,
                                                         struct ts_frame_slot *slots,
                                                         uint32_t entries)
{
    return (struct ts_frame_producer){ts_queue_producer(queue, entries), slots};
}

static inline struct ts_frame_consumer ts_frame_consumer(struct ts_queue *queue,
                                                         const struct ts_frame_slot *slots,
                                                         uint32_t entries)
{
    return (struct ts_frame_consumer){ts_queue_consumer(queue, entries), slots};
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
