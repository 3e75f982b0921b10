// SPDX-License-Identifier: MIT
// A split virtqueue, the driver's side: VIRTIO 1.2 section 2.7. Pure: it knows memory that the
// device sees and the doorbell's decision, not how either is reached.
//
// What is outstanding, and which descriptors are free, lies in private memory (struct
// virtqueue_slot): the device's only say is its used index and used elements, each read once and
// checked. An answer that cannot be (an id that is not outstanding, more bytes than there was room
// for, more answers than questions) is TS_ERR_PROTOCOL, and the queue is broken from then on: reset
// the device and set the queue up anew.
#pragma once

#include <drivers/bus/dma.h>
#include <stdbool.h>
#include <tessera/lib/status.h>

#define VIRTQUEUE_SIZE_MAX 1024u // more than this many descriptors are not used
#define VIRTQUEUE_ALIGN    4096u

struct virtq_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct virtq_available {
    uint16_t flags, index;
    uint16_t ring[]; // then u16 used_event
};

struct virtq_used {
    uint16_t flags, index;
    struct {
        uint32_t id, length;
    } ring[]; // then u16 available_event
};

// What is known of a descriptor, or of the chain that it heads.
struct virtqueue_slot {
    uint32_t room;  // bytes that the device may write
    uint16_t count; // descriptors of the chain; 0 = heads nothing that is outstanding
    uint16_t next;  // in the chain or in the free list
};

struct virtqueue {
    struct virtq_descriptor *descriptors;
    struct virtq_available *available;
    struct virtq_used *used;
    uint16_t *used_event;            // in `available`: interrupt me after this
    const uint16_t *available_event; // in `used`: notify me after this
    struct virtqueue_slot *slots;
    uint16_t size; // a power of two
    uint16_t free, free_count;
    uint16_t outstanding; // chains
    uint16_t available_next, published, used_next;
    bool event_index, broken;
};

// Bytes of shared memory that a queue of this size takes, and where its parts lie.
uint32_t virtqueue_bytes(uint16_t size);
uint32_t virtqueue_available_offset(uint16_t size);
uint32_t virtqueue_used_offset(uint16_t size);

// Starts an empty queue. memory: virtqueue_bytes(size), aligned to VIRTQUEUE_ALIGN, no longer used
// by any device; slots: `size` of them. event_index: VIRTIO_RING_F_EVENT_IDX was negotiated.
void virtqueue_init(struct virtqueue *q, uint16_t size, void *memory, struct virtqueue_slot *slots,
                    bool event_index);

// The head that the next virtqueue_add will use, so that state of the chain can be kept by it.
static inline uint16_t virtqueue_head(const struct virtqueue *q)
{
    return q->free;
}

// Adds a chain: first `out` segments that the device reads, then `in` that it writes. *out_head
// identifies it until it comes back. TS_ERR_AGAIN: not enough free descriptors.
TS_MUST_USE ts_status_t virtqueue_add(struct virtqueue *q, const struct dma_segment *segments,
                                      unsigned out, unsigned in, uint16_t *out_head);

// Shows the device what was added. True: it wants to be notified.
bool virtqueue_publish(struct virtqueue *q);

// Takes the next chain that the device is done with; it has written *out_length bytes.
// TS_ERR_AGAIN: none; TS_ERR_PROTOCOL: see above.
TS_MUST_USE ts_status_t virtqueue_take(struct virtqueue *q, uint16_t *out_head,
                                       uint32_t *out_length);

// Asks for an interrupt once `more` (at least 1) further chains are done. False: they are already:
// do not wait but take them. Without event index every chain interrupts.
bool virtqueue_sleep(struct virtqueue *q, uint16_t more);
