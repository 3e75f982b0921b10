// SPDX-License-Identifier: MIT
// A virtio network card (VIRTIO 1.2 section 5.1) between two sets of rings: the device's virtqueues
// and the client's frame rings (tessera/proto/frame.h). No frame is copied: the device reads and
// writes the client's memory, this driver moves descriptors from one ring to the other.
//
// Both sides are strangers. What the device says is checked by virtqueue_take; what the client says
// is checked here, slot by slot, from a private copy. Each frame in flight is known by the head of
// its descriptor chain, which indexes private state and a header of the driver's own.
//
// net_work is the whole data path: pure but for the doorbell of the device. It is called after any
// interrupt, doorbell or timer and does what there is to do, then asks both sides for a wake-up.
#pragma once

#include <drivers/virtio/device.h>
#include <tessera/ring/frame_queue.h>

#define NET_QUEUE_SIZE  256u // descriptors: half as many frames at least
#define NET_QUEUE_LEAST 32u

// Device configuration (5.1.4).
enum { NET_CONFIG_MAC = 0, NET_CONFIG_STATUS = 6, NET_CONFIG_MTU = 10 };

struct net_header { // 5.1.6
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size;
    uint16_t checksum_start, checksum_offset;
    uint16_t buffers;
};

// A frame in flight, by the head of its chain.
struct net_frame {
    uint32_t id;    // the client's
    uint16_t slots; // of the client's ring
};

// One direction.
struct net_direction {
    struct virtio_queue queue;
    struct net_frame *frames;
    uint32_t in_hand; // slots taken from the client and not given back
    uint32_t entries; // of the client's ring
};

// The attached client's memory.
struct net_memory {
    uint8_t *base; // of the rings, up to data_start; NULL = nobody is attached
    uint32_t size, data_start;
    uint64_t *bus; // the device's address of each page from data_start on
};

struct net {
    struct virtio_device *device;
    ts_handle_t domain;
    uint16_t vector, change_vector;
    struct net_direction rx, tx;
    struct dma_memory headers; // struct net_header each: rx by head, then tx by head
    struct net_memory memory;
    struct ts_frame_driver rings;
    ts_time_t tx_progress; // when the device last finished a frame
    struct ts_frame_information information;
    struct ts_frame_statistics statistics;
};

enum net_outcome {
    NET_IDLE,         // wait for a doorbell, an interrupt, or TS_FRAME_DELAY_NS if frames are out
    NET_MORE,         // call again soon
    NET_CLIENT_BROKE, // the client broke the protocol: detach it
    NET_DEVICE_BROKE, // the device did, or it asks for a reset: net_restart
};

// Negotiates with the device and reads what it is. Errors as virtio_negotiate.
TS_MUST_USE ts_status_t net_init(struct net *net, struct virtio_device *device, ts_handle_t domain,
                                 uint16_t vector, uint16_t change_vector);

// Frees queues and headers; the device was reset.
void net_fini(struct net *net);

// Starts the device for a client. `memory` becomes the driver's until net_detach; geometry was
// checked (net_geometry). TS_ERR_IO and others of virtio_*: the device is reset, nobody attached.
TS_MUST_USE ts_status_t net_attach(struct net *net, const struct net_memory *memory,
                                   const struct ts_frame_attach *attach);

// Resets the device. TS_ERR_IO: it does not let go of the memory, which must not be unpinned.
TS_MUST_USE ts_status_t net_detach(struct net *net);

// After NET_DEVICE_BROKE: reset; every frame in flight goes back as FAILED; started anew.
TS_MUST_USE ts_status_t net_restart(struct net *net);

// Moves what can be moved. *out_ring: signal the client's event.
enum net_outcome net_work(struct net *net, ts_time_t now, bool *out_ring);

// Re-reads the link state. True: it changed: signal the client's event.
bool net_link_changed(struct net *net);

// Whether this is a geometry that can be served: 0, TS_ERR_VERSION, _ARGUMENT, _TOO_LARGE.
TS_MUST_USE ts_status_t net_geometry(const struct ts_frame_attach *attach);
