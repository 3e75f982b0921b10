// SPDX-License-Identifier: MIT
// A virtio device in the test's own process.
#pragma once

#include "fake_machine.h"

#include <drivers/virtio/device.h>

#define FAKE_QUEUES 2u
#define FAKE_CHAIN  32u

struct fake_queue {
    struct virtio_queue_addresses at;
    uint16_t size, taken, given;
    bool enabled;
};

struct fake_device {
    uint8_t status, generation, configuration[64];
    uint64_t offered, accepted;
    uint16_t sizes[FAKE_QUEUES]; // most descriptors
    struct fake_queue queues[FAKE_QUEUES];
    unsigned notified[FAKE_QUEUES], resets;
    void (*written)(struct fake_device *device); // its configuration was; may be NULL
    // What it does wrong:
    bool deaf;    // does not take status 0
    bool refuses; // the features
    bool refuses_vectors;
    bool fails;   // asks for a reset
    bool fidgets; // its generation changes all the time
};

// A chain as the device sees it.
struct fake_chain {
    uint16_t head;
    unsigned count;
    struct {
        uint8_t *bytes;
        uint32_t length;
        bool writable;
    } parts[FAKE_CHAIN];
};

extern const struct virtio_registers fake_registers;

// Takes the next available chain; checks that it is well-formed. False: none.
bool fake_pop(struct fake_device *device, unsigned queue, struct fake_chain *out);

// Answers it. True: an interrupt would follow.
bool fake_push(struct fake_device *device, unsigned queue, uint32_t id, uint32_t length);
