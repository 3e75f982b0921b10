// SPDX-License-Identifier: MIT
// Where a virtio function of version 1 has its registers: VIRTIO 1.2 section 4.1.4.
#pragma once

#include <drivers/pci/config.h>

struct virtio_region {
    uint32_t offset, length; // in its BAR; length 0 = absent
    uint8_t bar;
};

struct virtio_layout {
    struct virtio_region common, notify, interrupt, device;
    uint32_t notify_multiplier;
};

// Common configuration structure, section 4.1.4.3.
struct virtio_common {
    uint32_t device_feature_select;
    uint32_t device_feature;
    uint32_t driver_feature_select;
    uint32_t driver_feature;
    uint16_t config_msix_vector;
    uint16_t num_queues;
    uint8_t device_status;
    uint8_t config_generation;
    uint16_t queue_select;
    uint16_t queue_size;
    uint16_t queue_msix_vector;
    uint16_t queue_enable;
    uint16_t queue_notify_off;
    uint32_t queue_desc[2]; // halves: a 64-bit access is not promised to work
    uint32_t queue_driver[2];
    uint32_t queue_device[2];
};

// Finds the regions. `bar_sizes`: bytes of the memory BARs, 0 = not one. Of several capabilities
// of a kind the first that lies within its BAR and is large enough counts (section 4.1.4.1).
// TS_ERR_UNSUPPORTED: no common, notify or interrupt region: not a virtio 1.x function.
TS_MUST_USE ts_status_t virtio_layout_find(const struct pci_function *f,
                                           const uint64_t bar_sizes[6], struct virtio_layout *out);
