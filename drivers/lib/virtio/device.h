// SPDX-License-Identifier: MIT
// A virtio device, of version 1 or before (legacy): reset, feature negotiation, queues. The
// registers are reached through a small table, so that tests put a device of their own there;
// function.h has the PCI one.
//
//   virtio_negotiate   reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK
//   virtio_queue_start for each queue
//   virtio_start       DRIVER_OK
//   …                  virtqueue_*, virtio_notify
//   virtio_reset       the device has let go of all memory
//
// Nothing here waits longer than VIRTIO_ANSWER_NS for a device.
#pragma once

#include <drivers/bus/dma.h>
#include <drivers/virtio/queue.h>

#define VIRTIO_ANSWER_NS 200000000 // 200 ms for a reset

// Features that concern every device (section 6).
#define VIRTIO_F_INDIRECT  (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)
#define VIRTIO_F_PLATFORM  (UINT64_C(1) << 33) // addresses are those of the domain: ours are

#define VIRTIO_NO_VECTOR 0xffffu

enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

struct virtio_queue_addresses {
    uint64_t descriptors, available, used;
};

// A device's registers. Each function is given `context`.
struct virtio_registers {
    uint8_t (*status_get)(void *context);
    void (*status_set)(void *context, uint8_t status);
    uint64_t (*features_get)(void *context);
    void (*features_set)(void *context, uint64_t features);
    uint16_t (*queue_size)(void *context, uint16_t queue); // at most; 0 = no such queue
    // Enables a queue; *out_vector is what the device took.
    void (*queue_set)(void *context, uint16_t queue, uint16_t size, uint16_t vector,
                      const struct virtio_queue_addresses *addresses, uint16_t *out_vector);
    uint16_t (*vector_set)(void *context, uint16_t vector); // of configuration changes
    void (*notify)(void *context, uint16_t queue);
    uint8_t (*interrupt_cause)(void *context); // read and cleared: 1 queue, 2 configuration
    uint8_t (*generation)(void *context);
    uint8_t (*read)(void *context, uint32_t offset); // device's configuration; 0 beyond its end
    void (*write)(void *context, uint32_t offset, uint8_t value); // the same; nothing beyond it
};

struct virtio_device {
    const struct virtio_registers *registers;
    void *context;
    uint64_t features; // negotiated
    bool legacy;       // from before version 1
};

// One queue and its memory.
struct virtio_queue {
    struct virtqueue ring;
    struct dma_memory memory;
    struct virtqueue_slot *slots;
    uint16_t index;
};

// Resets and negotiates: VERSION_1 and those of `wanted` that the device offers. TS_ERR_IO: no
// answer to the reset; TS_ERR_UNSUPPORTED: no VERSION_1, or the device refused the features (a
// legacy one has no such and cannot refuse).
TS_MUST_USE ts_status_t virtio_negotiate(struct virtio_device *device, uint64_t wanted);

// Writes status 0 and waits until it reads 0. TS_ERR_IO: it does not; the device may go on using
// its memory.
TS_MUST_USE ts_status_t virtio_reset(struct virtio_device *device);

// Allocates a queue's memory (queue->memory.size 0) or takes it again after a reset, and sets it
// up with at most `size` descriptors (a power of two; of a legacy device, with as many as it has).
// vector: MSI-X index or VIRTIO_NO_VECTOR. TS_ERR_NOT_FOUND: the device has no such queue;
// TS_ERR_UNSUPPORTED: it has fewer than `least` descriptors; TS_ERR_IO: it did not take the vector;
// TS_ERR_MEMORY, TS_ERR_LIMIT.
TS_MUST_USE ts_status_t virtio_queue_start(struct virtio_device *device, struct virtio_queue *queue,
                                           uint16_t index, uint16_t size, uint16_t least,
                                           uint16_t vector, ts_handle_t domain);

// Frees its memory; the device was reset.
void virtio_queue_fini(struct virtio_queue *queue);

// DRIVER_OK. TS_ERR_IO: the device says that it failed.
TS_MUST_USE ts_status_t virtio_start(struct virtio_device *device);

// Whether the device asks to be reset, or does not answer at all.
bool virtio_needs_reset(const struct virtio_device *device);

// Publishes what was added, and notifies the device if it wants that.
void virtio_queue_kick(struct virtio_device *device, struct virtio_queue *queue);

// Reads `length` bytes of the device's configuration, all of one generation: TS_ERR_IO when it
// changes all the time.
TS_MUST_USE ts_status_t virtio_configuration(const struct virtio_device *device, uint32_t offset,
                                             void *out, size_t length);
