// SPDX-License-Identifier: MIT
// A virtio network card (VIRTIO 1.2 section 5.1): the chip of drivers/lib/frame. A frame is a chain
// of descriptors, and its token is the head of that; a header of the driver's own comes before it.
// What the device says is checked by virtqueue_take.
#pragma once

#include <drivers/frame/card.h>
#include <drivers/virtio/device.h>

#define NET_QUEUE_SIZE  256u // descriptors: half as many frames at least
#define NET_QUEUE_LEAST 32u

// Features (5.1.3).
#define NET_F_CHECKSUM       (UINT64_C(1) << 0)
#define NET_F_GUEST_CHECKSUM (UINT64_C(1) << 1)
#define NET_F_MTU            (UINT64_C(1) << 3)
#define NET_F_MAC            (UINT64_C(1) << 5)
#define NET_F_STATUS         (UINT64_C(1) << 16)

// Device configuration (5.1.4).
enum { NET_CONFIG_MAC = 0, NET_CONFIG_STATUS = 6, NET_CONFIG_MTU = 10 };

struct net_header { // 5.1.6
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size;
    uint16_t checksum_start, checksum_offset;
    uint16_t buffers; // of version 1 alone
};

#define NET_HEADER_STRIDE 16u // from one to the next in the driver's memory

#define NET_HEADER_LEGACY 10u // bytes of it without the last field

// How the device interrupts.
struct net_interrupts {
    uint16_t queue_vector, change_vector; // what it is told: VIRTIO_NO_VECTOR without MSI-X
    bool line;                            // it says itself what an interrupt was for
    bool own_change;                      // a change has an interrupt of its own, the second
};

struct net {
    struct virtio_device *device;
    ts_handle_t domain;
    struct net_interrupts interrupts;
    struct virtio_queue rx, tx;
    struct dma_memory headers; // struct net_header each: rx by head, then tx by head
    struct frame_card card;
};

// Negotiates with the device, reads what it is, and leaves it at rest. Errors as virtio_negotiate;
// TS_ERR_UNSUPPORTED: a card without an address.
TS_MUST_USE ts_status_t net_init(struct net *net, struct virtio_device *device, ts_handle_t domain,
                                 const struct net_interrupts *interrupts);

// Bytes of a header as this device has it.
static inline uint32_t net_header_size(const struct net *n)
{
    return n->device->legacy ? NET_HEADER_LEGACY : (uint32_t)sizeof(struct net_header);
}

// Frees queues, headers and the card; the device was reset.
void net_fini(struct net *net);

// chip.c, for net.c: the device as a chip, whose context is a struct net.

// Negotiates and sets both queues up, empty.
TS_MUST_USE ts_status_t net_start_queues(struct net *net);
